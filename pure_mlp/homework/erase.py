"""The source of a definition without its annotations, overloads and examples: what an old Python can run and a person can read."""

from __future__ import annotations

import ast
import copy
import textwrap
from collections.abc import Iterator

from pure_mlp.homework.edit import Edit, edited, span

WIDTH = 100
"""Columns of a function's head: a longer one goes on in the next line."""


def erase(source: str, node: ast.stmt) -> str:
    """The text of `node`, a top-level statement of `source`, as plain Python 3.7.

    Annotations go, and with them fields that are nothing else; of a docstring its first paragraph stays; a class of `attrs.frozen`
    becomes a `namedtuple`, which is immutable too, is made and read in the same way and has a `__repr__` of its own. Everything
    else keeps its text.

    >>> text = "def f(x: int) -> int:\\n    y: int = x\\n    return y"
    >>> print(erase(text, ast.parse(text).body[0]))
    def f(x):
        y = x
        return y
    """
    return edited(source, _edits(node, source), *span(source, node)).rstrip()


def fields(node: ast.ClassDef) -> list[str]:
    """The names that an attrs class declares, in order; none for another class.

    >>> [fields(c) for c in ast.parse("@attrs.frozen\\nclass A:\\n    x: int\\nclass B:\\n    x: int").body]
    [['x'], []]
    """
    attributes = [ast.unparse(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list]
    if not any(name.startswith("attrs.") for name in attributes):
        return []
    return [s.target.id for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]


def _edits(node: ast.AST, source: str) -> Iterator[Edit]:
    gone: list[ast.AST] = []
    if isinstance(node, ast.FunctionDef):
        yield _header(node, f"def {node.name}({_arguments(node)}):", source)
    elif isinstance(node, ast.ClassDef):
        names = fields(node)
        base = f'(namedtuple("{node.name}", "{" ".join(names)}"))' if names else ""
        yield _header(node, f"class {node.name}{base}:", source)
        gone = [s for s in node.body if names and isinstance(s, ast.FunctionDef) and s.name == "__repr__"]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield span(source, node.target)[1], span(source, node.annotation)[1], ""
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
        begin, end = span(source, node.body[0])
        yield begin, end, source[begin:end].partition("\n\n")[0].removesuffix('"""').rstrip() + '"""'
    for child in ast.iter_child_nodes(node):
        if child in gone or (isinstance(child, ast.AnnAssign) and child.value is None):
            begin, end = span(source, child)
            yield source.rindex("\n", 0, begin), end, ""
        else:
            yield from _edits(child, source)


def _header(node: ast.FunctionDef | ast.ClassDef, text: str, source: str) -> Edit:
    inner = " " * (node.col_offset + len("def "))
    lines = textwrap.wrap(" " * node.col_offset + text, WIDTH, subsequent_indent=inner + " " * len(f"{node.name}("))
    begin = span(source, node)[0]
    return begin, source.rindex("\n", begin, span(source, node.body[0])[0]), "\n".join(lines).lstrip()


def _arguments(node: ast.FunctionDef) -> str:
    arguments = copy.deepcopy(node.args)
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return ast.unparse(arguments)
