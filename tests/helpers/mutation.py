"""Small mistakes, made on purpose: every mutant of a function that differs from it at one place of its source."""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

OTHER: dict[type[ast.AST], list[Callable[[], ast.AST]]] = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}


def mutants(f: Callable[..., Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Each mutant with the statement that is wrong in it: of a function, of a method, or of a function with arguments bound."""
    if isinstance(f, partial):
        yield from ((statement, partial(mutant, *f.args, **f.keywords)) for statement, mutant in mutants(f.func))
        return
    if isinstance(f, MethodType):
        yield from ((statement, MethodType(mutant, f.__self__)) for statement, mutant in mutants(f.__func__))
        return
    scope = {**f.__globals__, **inspect.getclosurevars(f).nonlocals}
    tree = ast.parse(textwrap.dedent(inspect.getsource(f)))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    names = [a.arg for a in (*function.args.args, *function.args.kwonlyargs)]
    nodes = [*ast.walk(tree)]
    statements = [i for i, n in enumerate(nodes) if isinstance(n, ast.stmt)]
    alike, shaped = checked_alike(nodes), {id(n.value) for n in nodes if isinstance(n, ast.Attribute) and n.attr in SHAPE}
    for place, node in enumerate(nodes):
        if not reaches(function, node):
            continue
        around = max(i for i in statements if any(n is node for n in ast.walk(nodes[i])))
        for other in variants(node, names, scope):
            if id(node) in shaped and {ast.unparse(node), ast.unparse(other)} in alike:
                continue
            made = deepcopy(tree)
            copies = [*ast.walk(made)]
            wrong = other if around == place else copies[around]
            made = Replace(copies[place], other).visit(made)
            yield ast.unparse(wrong).splitlines()[0], compiled(made, f.__name__, scope)


SHAPE = ("shape", "dtype", "device")


def checked_alike(nodes: list[ast.AST]) -> list[set[str]]:
    """Pairs of names that a check holds to one shape, dtype and device: either says what these are."""
    calls = [n for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) in ("check_cotangent", "check_tangent")]
    return [{ast.unparse(a) for a in call.args} for call in calls]


def reaches(function: ast.FunctionDef, node: ast.AST) -> bool:
    """Whether a node belongs to the body of the function, apart from its docstring and the messages of its errors."""
    body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    said = {id(n) for s in body for r in ast.walk(s) if isinstance(r, ast.Raise) for n in ast.walk(r)}
    return any(node is n for s in body for n in ast.walk(s)) and id(node) not in said


def variants(node: ast.AST, names: list[str], scope: dict[str, Any]) -> Iterator[ast.AST]:
    """What might stand in the place of a node: another operator, one operand alone, another argument, another number, no check."""
    if isinstance(node, (ast.BinOp, ast.BoolOp)):
        for op in OTHER.get(type(node.op), []):
            yield with_(node, op=op())
        yield from node.values if isinstance(node, ast.BoolOp) else (node.left, node.right)
    elif isinstance(node, ast.Compare):
        for op in OTHER.get(type(node.ops[0]), []):
            yield with_(node, ops=[op(), *node.ops[1:]])
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.If):
        yield from (with_(node, test=ast.Constant(truth)) for truth in (False, True))
    elif isinstance(node, ast.Expr):
        yield ast.Pass()
    elif isinstance(node, ast.Call):
        yield from (a for a in node.args if not isinstance(a, (ast.Starred, ast.GeneratorExp)))
        of = node.func.value if isinstance(node.func, ast.Attribute) else None
        if of is not None and not isinstance(scope.get(ast.unparse(of).split(".")[0]), ModuleType):
            yield of
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        yield from (ast.Name(name, ast.Load()) for name in names if name != node.id)


def with_(node: ast.AST, **fields: Any) -> ast.AST:
    """The node with some fields replaced."""
    other = deepcopy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


class Replace(ast.NodeTransformer):
    """Put `after` in the place of the one node `before`."""

    def __init__(self, before: ast.AST, after: ast.AST) -> None:
        self.before, self.after = before, after

    def visit(self, node: ast.AST) -> Any:
        return deepcopy(self.after) if node is self.before else self.generic_visit(node)


def compiled(tree: ast.AST, name: str, scope: dict[str, Any]) -> Callable[..., Any]:
    """The function that a tree defines, in the scope of the original."""
    own = dict(scope)
    exec(compile(ast.unparse(tree), "<mutant>", "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True), own)
    made: Callable[..., Any] = own[name]
    return made


def calling(f: Callable[..., Any], **helpers: Callable[..., Any]) -> Callable[..., Any]:
    """f with other functions in the place of the module's functions that it calls by these names."""
    assert isinstance(f, FunctionType)
    other = FunctionType(f.__code__, {**f.__globals__, **helpers}, f.__name__, f.__defaults__, f.__closure__)
    other.__kwdefaults__ = f.__kwdefaults__
    return other
