"""A module without the parameters to which every call gives one and the same constant, and without what then never runs."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator, Mapping

from pure_mlp.homework.edit import Edit, edited, span, text_of
from pure_mlp.homework.module import calls, functions

CONSTANT = (
    ast.Constant,
    ast.Name,
    ast.Tuple,
    ast.Compare,
    ast.BoolOp,
    ast.UnaryOp,
    ast.cmpop,
    ast.boolop,
    ast.unaryop,
    ast.expr_context,
)
"""The syntax of a test whose value is known where those of its names are."""


def specialize(source: str, keep: Container[str] = ()) -> str:
    """`source` with such parameters replaced by their constants; the functions in `keep` are called from outside and stay.

    >>> print(specialize("def f(x, twice=True):\\n    return 2 * x if twice else x\\n\\ny = f(z)"))
    def f(x):
        return 2 * x
    <BLANKLINE>
    y = f(z)
    """
    while (edits := next(_steps(source, keep), None)) is not None:
        source = edited(source, edits)
    return source


def _steps(source: str, keep: Container[str]) -> Iterator[list[Edit]]:
    """What can be done next, one step after the other, each for the same `source`."""
    tree = ast.parse(source)
    called = calls(tree)
    for function in functions(tree):
        inside = {id(n) for text in ast.walk(function) if isinstance(text, ast.JoinedStr) for n in ast.walk(text)}
        values = {} if function.name in keep else _values(function, called.get(function.name, []))
        for node in ast.walk(function):
            for part in ("body", "orelse", "finalbody"):
                block = getattr(node, part, None)
                if isinstance(block, list):
                    yield from _dead(source, block, values)
            truth = _truth(node.test, values) if isinstance(node, ast.IfExp) and id(node) not in inside else None
            if isinstance(node, ast.IfExp) and truth is not None:
                yield [(*span(source, node), text_of(source, node.body if truth else node.orelse))]
        for name, value in values.items():
            uses = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name]
            if not any(id(use) in inside for use in uses):
                replaced = [(*span(source, use), ast.unparse(value)) for use in uses]
                yield replaced + _dropped(source, function, name, called[function.name])


def _values(function: ast.FunctionDef, called: list[ast.Call]) -> dict[str, ast.Constant]:
    """The parameters that have one constant in every call, as an argument or by default, and are never bound again."""
    found: dict[str, ast.Constant] = {}
    parameters = function.args.args
    defaults = dict(zip(reversed([p.arg for p in parameters]), reversed(function.args.defaults)))
    bound = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]
    bound += [a.arg for a in ast.walk(function) if isinstance(a, ast.arg) and a not in parameters]
    for place, name in enumerate(p.arg for p in parameters):
        given = [_argument(call, place, name) for call in called]
        values = [defaults.get(name) if g is None else g.value if isinstance(g, ast.keyword) else g for g in given]
        constants = [v for v in values if isinstance(v, ast.Constant)]
        if values and len(constants) == len(values) and len({*map(ast.dump, constants)}) == 1 and name not in bound:
            found[name] = constants[0]
    return found


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | ast.keyword | None:
    """What a call gives to a parameter; nothing where it leaves the default."""
    if place < len(call.args):
        return call.args[place]
    return next((k for k in call.keywords if k.arg == name), None)


def _truth(test: ast.expr, values: Mapping[str, ast.Constant]) -> bool | None:
    """The truth of a test of constants and of names with known values; nothing for another one."""
    nodes = [*ast.walk(test)]
    if all(isinstance(n, CONSTANT) and (not isinstance(n, ast.Name) or n.id in values) for n in nodes):
        return bool(eval(ast.unparse(test), {name: value.value for name, value in values.items()}))
    return None


def _dead(source: str, block: list[ast.stmt], values: Mapping[str, ast.Constant]) -> Iterator[list[Edit]]:
    """Steps that remove what never runs: after a `return` or `raise`, or in an `if` with a known test; an `elif` stays."""
    for place, statement in enumerate(block):
        if isinstance(statement, ast.Return | ast.Raise) and place + 1 < len(block):
            yield [(span(source, statement)[1], span(source, block[-1])[1], "")]
        truth = _truth(statement.test, values) if isinstance(statement, ast.If) else None
        if not isinstance(statement, ast.If) or truth is None or text_of(source, statement).startswith("elif"):
            continue
        begin, end = span(source, statement)
        kept = statement.body if truth else statement.orelse
        if kept:
            deeper = " " * (kept[0].col_offset - statement.col_offset)
            text = text_of(source, kept[0], kept[-1]).replace("\n" + deeper, "\n")
            yield [(begin, end, text[2:] if text.startswith("elif") else text)]
        elif place + 1 < len(block):
            yield [(begin, span(source, block[place + 1])[0], "")]
        else:
            yield [(begin, end, "pass")]


def _dropped(source: str, function: ast.FunctionDef, name: str, called: list[ast.Call]) -> list[Edit]:
    """Take a parameter out of a function's head and out of every call."""
    parameters, defaults = function.args.args, function.args.defaults
    place = [p.arg for p in parameters].index(name)
    begin, end = span(source, parameters[place])
    if place >= len(parameters) - len(defaults):
        end = span(source, defaults[place - len(parameters)])[1]
    items = [(begin, end, place == 0)]
    for call in called:
        given = _argument(call, place, name)
        if given is not None:
            items.append((*span(source, given), given is [*call.args, *call.keywords][0]))
    return [_without_comma(source, *item) for item in items]


def _without_comma(source: str, begin: int, end: int, first: bool) -> Edit:
    """Remove an item of a list, with the comma before it, or after it for the first one."""
    if not first:
        return source.rindex(",", 0, begin), end, ""
    rest = source[end:]
    after = rest.lstrip()
    return begin, len(source) - len(after[1:].lstrip() if after.startswith(",") else rest), ""
