"""The source of a definition without its annotations, overloads and examples: what an old Python can run and a person can read."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

Edit = tuple[int, int, str]


def erase(source: str, node: ast.stmt) -> str:
    """The text of `node`, a top-level statement of `source`, as plain Python 3.7.

    Annotations go, and with them fields that are nothing else; of a docstring its first paragraph stays; a class of `attrs.frozen`
    becomes a `namedtuple`, which is immutable too and is made and read in the same way. Everything else keeps its text.

    >>> text = "def f(x: int) -> int:\\n    y: int = x\\n    return y"
    >>> print(erase(text, ast.parse(text).body[0]))
    def f(x):
        y = x
        return y
    """
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    data = source.encode()
    begin, end = _span(node, starts)
    for start, stop, text in sorted(_edits(node, data, starts), reverse=True):
        data = data[:start] + text.encode() + data[stop:]
        end += len(text.encode()) - (stop - start)
    return data[begin:end].decode().rstrip()


def fields(node: ast.ClassDef) -> list[str]:
    """The names that an attrs class declares, in order; none for another class.

    >>> [fields(c) for c in ast.parse("@attrs.frozen\\nclass A:\\n    x: int\\nclass B:\\n    x: int").body]
    [['x'], []]
    """
    attributes = [ast.unparse(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list]
    if not any(name.startswith("attrs.") for name in attributes):
        return []
    return [s.target.id for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]


def _span(node: ast.AST, starts: list[int]) -> tuple[int, int]:
    assert isinstance(node, ast.stmt | ast.expr)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset


def _edits(root: ast.stmt, data: bytes, starts: list[int]) -> Iterator[Edit]:
    for node in ast.walk(root):
        if isinstance(node, ast.FunctionDef):
            yield _header(node, f"def {node.name}({_arguments(node)}):", starts)
        elif isinstance(node, ast.ClassDef):
            names = fields(node)
            base = f'(namedtuple("{node.name}", "{" ".join(names)}"))' if names else ""
            yield _header(node, f"class {node.name}{base}:", starts)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield _span(node.target, starts)[1], _span(node.annotation, starts)[1], ""
        elif isinstance(node, ast.AnnAssign):
            yield starts[node.lineno - 1], starts[node.end_lineno or node.lineno], ""
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            begin, end = _span(node.body[0], starts)
            text = data[begin:end].decode()
            summary = text.partition("\n\n")[0].removesuffix('"""').rstrip()
            yield begin, end, f'{summary}"""'


def _header(node: ast.FunctionDef | ast.ClassDef, text: str, starts: list[int]) -> Edit:
    begin = starts[node.lineno - 1] + node.col_offset
    return begin, starts[node.body[0].lineno - 1], text + "\n"


def _arguments(node: ast.FunctionDef) -> str:
    arguments = copy.deepcopy(node.args)
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return ast.unparse(arguments)
