"""What a module's syntax tree says of its functions: where each is called, and what is reached from where."""

from __future__ import annotations

import ast
from collections.abc import Iterable


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """The functions of a module without decorators, and with parameters that have one name and one place only.

    >>> [f.name for f in functions(ast.parse("def f(x): ...\\ndef g(*x): ...\\nclass A:\\n    def h(self): ..."))]
    ['f']
    """
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.decorator_list]
    return [f for f in found if not (f.args.posonlyargs or f.args.kwonlyargs or f.args.vararg or f.args.kwarg)]


def body(function: ast.FunctionDef) -> list[ast.stmt]:
    """The statements of a function after its docstring.

    >>> len(body(functions(ast.parse("def f():\\n    'What it does.'\\n    return 1"))[0]))
    1
    """
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def calls(tree: ast.Module) -> dict[str, list[ast.Call]]:
    """The calls of every name that the module uses by calls alone, with plain arguments.

    A call inside an f-string is another use: before Python 3.12 the tree does not say where it stands.

    >>> [[*calls(ast.parse(text))] for text in ("f(1); f(x=2)", "f(1); g(f)", "f(*x)", "f'{f(1)}'")]
    [['f'], ['g'], [], []]
    """
    nodes = [*ast.walk(tree)]
    called = {id(n.func): n for n in nodes if isinstance(n, ast.Call)}
    unclear = {id(n) for text in nodes if isinstance(text, ast.JoinedStr) for n in ast.walk(text)}
    unclear |= {id(c.func) for c in called.values() for a in c.args if isinstance(a, ast.Starred)}
    unclear |= {id(c.func) for c in called.values() for k in c.keywords if k.arg is None}
    other = {n.arg for n in nodes if isinstance(n, ast.arg)}
    found: dict[str, list[ast.Call]] = {}
    for name in (n for n in nodes if isinstance(n, ast.Name)):
        if id(name) in called and id(name) not in unclear:
            found.setdefault(name.id, []).append(called[id(name)])
        else:
            other.add(name.id)
    return {name: places for name, places in found.items() if name not in other}


def names(node: ast.AST) -> set[str]:
    """Every name that is read or bound inside.

    >>> sorted(names(ast.parse("a = b.c")))
    ['a', 'b']
    """
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} | {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)}


def reached(tree: ast.Module, roots: Iterable[str]) -> list[ast.stmt]:
    """The statements of a module, in their order, that its `roots` need.

    >>> [ast.unparse(s) for s in reached(ast.parse("import a, b\\nimport c\\nd = a\\ne = d\\nf = e"), ["e"])]
    ['import a, b', 'd = a', 'e = d']
    """
    needed, waiting = set(), {*roots}
    while waiting:
        needed |= waiting
        waiting = {name for s in tree.body if binds(s) & needed for name in names(s)} - needed
    return [s for s in tree.body if binds(s) & needed]


def binds(statement: ast.stmt) -> set[str]:
    """The names that a statement of a module defines.

    >>> sorted(name for s in ast.parse("import a.b\\nfrom c import d as e\\ndef f(x): y = x\\ng = h").body for name in binds(s))
    ['a', 'e', 'f', 'g']
    """
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
