"""C for elementwise operations, from the table of operations."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from pure_mlp._compile.graph import Node, Unplannable
from pure_mlp._compile.numbers import ARITHMETIC
from pure_mlp._compile.operations import is_comparison, operation
from pure_mlp._compile.schema import is_random, name_of


def literal(x: float, dtype: torch.dtype) -> str:
    """A number in C."""
    if not dtype.is_floating_point:
        return str(int(x))
    if math.isfinite(x):
        return repr(float(x)) + ("f" if dtype == torch.float32 else "")
    return "NAN" if x != x else "INFINITY" if x > 0 else "-INFINITY"


def is_element(node: Node) -> bool:
    """Whether there is C for one element of this node's value."""
    reduced = name_of(node.op) == "binary_cross_entropy" and node.args[2:] != (None, 0)
    rounded = node.kwargs.get("rounding_mode") is not None
    return bool(operation(node.op).c) and not is_random(node.op) and not reduced and not rounded


def computed_in(node: Node) -> torch.dtype:
    """The dtype in which an element is computed: the result's, but comparisons are made in that of their operands.

    Raises `Unplannable` for integers where the table has C for floating numbers alone.
    """
    if not is_comparison(node.op):
        dtype = node.like.dtype
        plain = operation(node.op).integers and (dtype != torch.bool or name_of(node.op) == "where")
        if not dtype.is_floating_point and not plain:
            raise Unplannable(f"native: no C for {node.op} of {dtype}")
        return dtype
    ranks = [[a.like.dtype for a in node.operands if a.spec and bool(a.spec.shape) == full] for full in (True, False)]
    dtypes = set(ranks[0] or ranks[1])
    numbers = any(isinstance(a, float) for a in node.args) or any(dtype.is_floating_point for dtype in ranks[1])
    if len(dtypes) != 1 or (numbers and not min(dtypes, key=str).is_floating_point):
        raise Unplannable(f"native: no C for {node.op} of {dtypes}")
    return dtypes.pop()


_DEFAULTS = {"leaky_relu": (0.01,), "softplus": (1, 20)}
"""The arguments after the first, where torch leaves them out."""


def element(node: Node, operand: Callable[[object, torch.dtype | None], str]) -> str:
    """C for one element of a node; `operand` gives the C of an argument, in a dtype or in its own."""
    name, dtype = name_of(node.op), computed_in(node)
    args = [*node.args[:2]] if name == "binary_cross_entropy" else [*node.args]
    text = operation(node.op).c
    if name == "clamp":
        return _clamp(operand(args[0], dtype), [None if a is None else operand(a, dtype) for a in args[1:]])
    if name == "gelu" and node.kwargs.get("approximate") == "tanh":
        text = operation("gelu_tanh").c
    args += _DEFAULTS.get(name, ())[len(args) - 1 :]
    alpha, value = node.kwargs.get("alpha", 1.0), node.kwargs.get("value", 1.0)
    if name == "rsub" and len(args) > 2:
        alpha = args.pop()
    if name in ("add", "sub", "rsub") and len(args) > 2:
        raise Unplannable(f"native: no C for {node.op} with {len(args)} arguments")
    for keyword, factor in (("alpha", alpha), ("value", value)):
        text = text.replace(f"{{{keyword}}} * ", "") if factor == 1 else text
    operands = [operand(a, None if name == "where" and i == 0 else dtype) for i, a in enumerate(args[:3])]
    real = {"f": "f" if dtype == torch.float32 else "", "t": "float" if dtype == torch.float32 else "double"}
    return text.format(*operands, alpha=operand(alpha, dtype), value=operand(value, dtype), **real)


def _clamp(x: str, bounds: list[str | None]) -> str:
    low, high = (*bounds, None, None)[:2]
    below = f"{x} < {low} ? {low} : " if low is not None else ""
    above = f"{x} > {high} ? {high} : " if high is not None else ""
    return f"{below}{above}{x}"


def host_number(node: Node, operand: Callable[[object], str]) -> str:
    """C for a number computed once a step."""
    name = node.op.removeprefix("host.")
    if name == "clamp":
        return _clamp(operand(node.args[0]), [None if a is None else operand(a) for a in node.args[1:]])
    return ARITHMETIC[name].c.format(*map(operand, node.args))
