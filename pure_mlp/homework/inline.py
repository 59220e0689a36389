"""A module whose small functions stand where they are called: those of one expression, and those that one other hands on to."""

from __future__ import annotations

import ast
import copy
from collections.abc import Container, Iterator

from pure_mlp.homework.edit import Edit, edited, span, text_of
from pure_mlp.homework.module import body, calls, functions, names

SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await)
"""Expressions that bind names or suspend: a function with one is left alone."""


def inline(source: str, keep: Container[str] = ()) -> str:
    """`source` with such functions no longer called; their definitions, and all that is in `keep`, stay.

    A function of one expression is inlined where its arguments are names and constants, so that nothing is computed twice or in
    another order. A function that does nothing but hand its parameters on to one that nothing else calls takes over its body.

    >>> print(inline("def half(x):\\n    return x / 2\\n\\ndef f(y):\\n    return 3 * half(y)").splitlines()[-1])
        return 3 * (y / 2)
    >>> print(inline("def f(x):\\n    y = x\\n    return y\\n\\ndef g(x):\\n    return f(x)", {"g"}).partition("def g")[2])
    (x):
        y = x
        return y
    """
    while (edit := next(_steps(source, keep), None)) is not None:
        source = edited(source, [edit])
    return source


def _steps(source: str, keep: Container[str]) -> Iterator[Edit]:
    """What can be done next, each for the same `source`."""
    tree = ast.parse(source)
    called = calls(tree)
    for function in functions(tree):
        places = [] if function.name in keep or function.name in names(function) else called.get(function.name, [])
        statements = body(function)
        value = statements[0].value if len(statements) == 1 and isinstance(statements[0], ast.Return) else None
        for call in places:
            home = next(s for s in tree.body if call in ast.walk(s))
            if value is not None and _fits(function, value, call, home):
                yield *span(source, call), _at(function, value, call, home)
            elif len(places) == 1 and isinstance(home, ast.FunctionDef) and _hands_on(home, call, function):
                yield *span(source, body(home)[0]), text_of(source, statements[0], statements[-1])


def _fits(function: ast.FunctionDef, value: ast.expr, call: ast.Call, home: ast.stmt) -> bool:
    """Whether the value of `function` says the same in place of a call inside the definition `home`."""
    parameters = {p.arg for p in function.args.args}
    bound = {n.id for n in ast.walk(home) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    bound |= {a.arg for a in ast.walk(home) if isinstance(a, ast.arg)}
    return (
        len(call.args) == len(parameters)
        and all(isinstance(a, ast.Name | ast.Constant) for a in call.args)
        and not any(isinstance(n, SCOPES) for n in ast.walk(value))
        and not (names(value) - parameters) & bound
    )


def _at(function: ast.FunctionDef, value: ast.expr, call: ast.Call, home: ast.stmt) -> str:
    """The value of `function` with a call's arguments for its parameters, in parentheses where the place needs them."""
    arguments = dict(zip((p.arg for p in function.args.args), call.args))
    text = ast.unparse(_Substitute(arguments).visit(copy.deepcopy(value)))
    above = next(node for node in ast.walk(home) if call in ast.iter_child_nodes(node))
    free = isinstance(above, ast.stmt | ast.Tuple | ast.keyword) or (isinstance(above, ast.Call) and call is not above.func)
    return text if free or isinstance(value, ast.Name | ast.Constant | ast.Call | ast.Attribute) else f"({text})"


def _hands_on(home: ast.FunctionDef, call: ast.Call, function: ast.FunctionDef) -> bool:
    """Whether all of `home` is to return this call of `function` with the parameters of both, which have the same names."""
    statements = body(home)
    parameters = [p.arg for p in function.args.args]
    given = [a.id if isinstance(a, ast.Name) else "" for a in call.args]
    last = statements[0]
    whole = len(statements) == 1 and isinstance(last, ast.Return) and last.value is call and not call.keywords
    return whole and given == parameters == [p.arg for p in home.args.args]


class _Substitute(ast.NodeTransformer):
    """Expressions for names."""

    def __init__(self, expressions: dict[str, ast.expr]) -> None:
        self.expressions = expressions

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.expressions.get(node.id, node)
