"""C for what is computed element by element."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from pure_mlp._compile.graph import Node, Unplannable, is_random

UNARY = {
    "relu": "{0} < 0 ? 0 : {0}",
    "neg": "-{0}",
    "abs": "fabs{f}({0})",
    "reciprocal": "1 / {0}",
    "square": "{0} * {0}",
    "rsqrt": "1 / sqrt{f}({0})",
    **{name: name + "{f}({0})" for name in ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "erf", "erfc", "sin", "cos", "floor")},
    "sigmoid": "1 / (1 + exp{f}(-{0}))",
    "silu": "{0} / (1 + exp{f}(-{0}))",
    "log_sigmoid": "({0} < 0 ? {0} : 0) - log1p{f}(exp{f}(-fabs{f}({0})))",
    "clone": "{0}",
    "_to_copy": "{0}",
}
OTHERS = {
    "add": "{0} + {alpha} * {1}",
    "sub": "{0} - {alpha} * {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "pow": "pow{f}({0}, {1})",
    "maximum": "{0} > {1} || {0} != {0} ? {0} : {1}",
    "minimum": "{0} < {1} || {0} != {0} ? {0} : {1}",
    "clamp_min": "{0} < {1} ? {1} : {0}",
    "clamp_max": "{0} > {1} ? {1} : {0}",
    "leaky_relu": "{0} > 0 ? {0} : {0} * {1}",
    "threshold_backward": "{1} <= {2} ? 0 : {0}",
    "sigmoid_backward": "{0} * (1 - {1}) * {1}",
    "tanh_backward": "{0} * (1 - {1} * {1})",
    "addcmul": "{0} + {value} * {1} * {2}",
    "addcdiv": "{0} + {value} * {1} / {2}",
    "lerp": "{2} < ({t})0.5 ? {0} + {2} * ({1} - {0}) : {1} - ({1} - {0}) * (1 - {2})",
    "where": "{0} ? {1} : {2}",
    "binary_cross_entropy": "({1} - 1) * fmax{f}(log1p{f}(-{0}), -100) - {1} * fmax{f}(log{f}({0}), -100)",
}
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_GELU = "({t})0.5 * {0} * (1 + erf{f}({0} * ({t})0.70710678118654752440))"
_GELU_TANH = "({t})0.5 * {0} * (1 + tanh{f}(({t})0.79788456080286535588 * ({0} + ({t})0.044715 * {0} * {0} * {0})))"
_EXACT = {"add", "sub", "mul", "neg", "where", "clone", "_to_copy", "maximum", "minimum"}
"""Operations that integers have too."""
_HOST = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "pow": "pow({0}, {1})",
    "minimum": "{1} < {0} || {1} != {1} ? {1} : {0}",
    "maximum": "{1} > {0} || {1} != {1} ? {1} : {0}",
    "abs": "fabs({0})",
    "sigmoid": "1 / (1 + exp(-{0}))",
    **{name: name + "({0})" for name in ("sqrt", "floor", "ceil", "cos", "sin", "exp", "expm1", "log", "tanh")},
}


def literal(x: float, dtype: torch.dtype) -> str:
    """A number in C.

    >>> literal(0.5, torch.float32), literal(-math.inf, torch.float64), literal(3, torch.int64)
    ('0.5f', '-INFINITY', '3')
    """
    if not dtype.is_floating_point:
        return str(int(x))
    if math.isfinite(x):
        return repr(float(x)) + ("f" if dtype == torch.float32 else "")
    return "NAN" if x != x else "INFINITY" if x > 0 else "-INFINITY"


def name_of(op: str) -> str:
    """An operation without library and overload.

    >>> name_of("aten.add.Tensor"), name_of("lin")
    ('add', 'lin')
    """
    return op.split(".")[1] if op.startswith("aten.") else op


def is_element(node: Node) -> bool:
    """Whether there is C for one element of this node's value.

    >>> is_element(Node("aten.exp.default", (), {}, None, 0, None, ()))
    True
    """
    name = name_of(node.op)
    if name == "binary_cross_entropy":
        return node.args[2:] == (None, 0)
    if name == "div" and node.kwargs.get("rounding_mode") is not None:
        return False
    return not is_random(node.op) and (name in UNARY or name in OTHERS or name in COMPARISONS or name in ("clamp", "gelu", "rsub"))


def computed_in(node: Node) -> torch.dtype:
    """The dtype in which an element is computed: the result's, but comparisons are made in that of their operands.

    Raises `Unplannable` for integers in what only floating numbers have here.

    >>> from pure_mlp._compile.graph import spec_of
    >>> computed_in(Node("aten.exp.default", (), {}, spec_of(torch.ones(3)), 0, None, ()))
    torch.float32
    """
    name = name_of(node.op)
    if name not in COMPARISONS:
        if not node.like.dtype.is_floating_point and (name not in _EXACT or (node.like.dtype == torch.bool and name != "where")):
            raise Unplannable(f"native: no C for {node.op} of {node.like.dtype}")
        return node.like.dtype
    ranks = [[a.like.dtype for a in node.operands if a.spec and bool(a.spec.shape) == full] for full in (True, False)]
    dtypes = set(ranks[0] or ranks[1])
    numbers = any(isinstance(a, float) for a in node.args) or any(dtype.is_floating_point for dtype in ranks[1])
    if len(dtypes) != 1 or (numbers and not min(dtypes, key=str).is_floating_point):
        raise Unplannable(f"native: no C for {node.op} of {dtypes}")
    return dtypes.pop()


def element(node: Node, operand: Callable[[object, torch.dtype | None], str]) -> str:
    """C for one element; operand gives that of an argument, in a dtype or in its own.

    >>> from pure_mlp._compile.graph import spec_of
    >>> element(Node("aten.exp.default", ("x",), {}, spec_of(torch.ones(3)), 0, None, ()), lambda a, dtype: f"{a}[i]")
    'expf(x[i])'
    """
    name, dtype = name_of(node.op), computed_in(node)
    real = {"f": "f" if dtype == torch.float32 else "", "t": "float" if dtype == torch.float32 else "double"}
    args = [*node.args[:2]] if name == "binary_cross_entropy" else [*node.args]
    if name in COMPARISONS:
        return f"{operand(args[0], dtype)} {COMPARISONS[name]} {operand(args[1], dtype)}"
    if name == "clamp":
        return _clamp(operand(args[0], dtype), [None if a is None else operand(a, dtype) for a in args[1:]])
    if name == "gelu":
        return (_GELU_TANH if node.kwargs.get("approximate") == "tanh" else _GELU).format(operand(args[0], dtype), **real)
    if name == "rsub":
        name, args = "sub", [args[1], args[0], *args[2:]]
    if name == "leaky_relu" and len(args) == 1:
        args.append(0.01)
    if name in ("add", "sub") and len(args) > 2:
        raise Unplannable(f"native: no C for {node.op} with {len(args)} arguments")
    given = {k: operand(node.kwargs.get(k, 1.0), dtype) for k in ("alpha", "value")}
    text = UNARY.get(name) or OTHERS[name]
    if name in ("add", "sub") and node.kwargs.get("alpha", 1) in (1, -1):
        plus = (name == "add") == (node.kwargs.get("alpha", 1) == 1)
        text = "{0} + {1}" if plus else "{0} - {1}"
    if node.kwargs.get("value", 1) == 1:
        text = text.replace("{value} * ", "")
    operands = [operand(a, None if name == "where" and i == 0 else dtype) for i, a in enumerate(args[:3])]
    return text.format(*operands, **given, **real)


def _clamp(x: str, bounds: list[str | None]) -> str:
    low, high = (*bounds, None, None)[:2]
    below = f"{x} < {low} ? {low} : " if low is not None else ""
    above = f"{x} > {high} ? {high} : " if high is not None else ""
    return f"{below}{above}{x}"


def host_number(node: Node, operand: Callable[[object], str]) -> str:
    """C for a number computed once a step.

    >>> host_number(Node("host.pow", ("n1", "n2"), {}, None, 0, None, ()), str)
    'pow(n1, n2)'
    """
    name = node.op.removeprefix("host.")
    if name == "clamp":
        return _clamp(operand(node.args[0]), [None if a is None else operand(a) for a in node.args[1:]])
    if name not in _HOST:
        raise Unplannable(f"native: no C for {node.op}")
    return _HOST[name].format(*map(operand, node.args))
