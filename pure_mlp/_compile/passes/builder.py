"""The graph that `simplify` builds: values are tensors with a numeric factor outside, or numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch

from pure_mlp._compile.graph import Graph, Node
from pure_mlp._compile.numbers import Number, number
from pure_mlp._compile.spec import Spec

_RANGE = 2.0**40
"""Factors are moved past operations if they and their inverses are at most this: never 0, inf or NaN, nor what
would overflow.
"""


class Scaled(NamedTuple):
    """factor times the value of a node."""

    node: Node
    factor: Number


Value: TypeAlias = Scaled | float | Node
"""A scaled tensor, a number, or a host number."""


def scalar_dtype(like: Spec) -> torch.dtype:
    """The dtype of a number beside a tensor: the tensor's, so that nothing is converted; float64 beside a half,
    which it rounds to.
    """
    return like.dtype if like.real else torch.float64


class Builder:
    """The new graph, and what each node of the trace has become in it."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.values: dict[Node, Value] = {}

    def times(self, *factors: Number) -> Number:
        """The product of numbers."""
        product: Number = 1.0
        for factor in factors:
            product = number(self.graph, "mul", product, factor)
        return product

    def scaled(self, node: Node, factor: Number) -> Scaled:
        """factor times a node: outside it where it may be moved on, else multiplied now."""
        if isinstance(factor, Node) or 1 / _RANGE <= abs(factor) <= _RANGE:
            return Scaled(node, factor)
        return Scaled(self.product(node, factor), 1.0)

    def product(self, node: Node, factor: Number, spec: Spec | None = None) -> Node:
        """The node that is factor times a node."""
        return self.graph.add("scale", (node, factor), {}, spec or node.like.fresh)

    def laid_out(self, a: object) -> object:
        """An argument of a traced node, its elements in memory as in the trace."""
        new = self.argument(a)
        if not isinstance(a, Node) or not isinstance(new, Node) or new.spec == a.spec or a.spec is None:
            return new
        return self.graph.add("aten.clone.default", (new,), {}, a.spec, unique=True)

    def tensor(self, traced: Node) -> Node:
        """The value of a traced node as a tensor."""
        value = self.values[traced]
        if isinstance(value, Scaled):
            return value.node if value.factor == 1 else self.product(*value, traced.spec and traced.spec.fresh)
        if isinstance(value, Node):
            return self.graph.add("fill", (value,), {}, Spec((), (), torch.float64, torch.device("cpu")))
        return self.graph.number(value)

    def argument(self, a: object) -> object:
        """An argument of a traced node as one of the new graph."""
        if isinstance(a, tuple):
            return tuple(self.argument(b) for b in a)
        return self.tensor(a) if isinstance(a, Node) else a

    def operand(self, a: object, like: Spec) -> Value | None:
        """An argument as a value, if products with numbers keep its dtype: float32 or float64, as the result."""
        value = self.values[a] if isinstance(a, Node) else a
        if not like.real:
            return None
        if isinstance(value, Scaled):
            return value if value.node.spec is not None and value.node.spec.dtype == like.dtype else None
        wide = bool(like.shape) or like.dtype == torch.float64 or not isinstance(a, Node)
        if not wide or isinstance(value, bool):
            return None
        return float(value) if isinstance(value, int) else value if isinstance(value, (float, Node)) else None

    def operands(self, args: tuple[object, ...], like: Spec) -> list[Scaled] | None:
        """Arguments as scaled tensors; None unless all are."""
        values = [self.operand(a, like) for a in args]
        return [v for v in values if isinstance(v, Scaled)] if all(isinstance(v, Scaled) for v in values) else None

    def combined(self, a: Scaled, b: Scaled, spec: Spec) -> Scaled:
        """The sum of two scaled tensors; a factor that they share stays outside."""
        if a.factor == b.factor and a.factor != 1 and a.node is not b.node:
            return Scaled(self.graph.add("lin", (a.node, 1.0, b.node, 1.0), {}, spec), a.factor)
        return Scaled(self.graph.add("lin", (a.node, a.factor, b.node, b.factor), {}, spec), 1.0)


Rule: TypeAlias = Callable[[Builder, Node], Value | None]
"""Makes the value of a traced node in the new graph; None leaves the node as it is."""


def is_finite(factor: Number) -> bool:
    """Whether a number is known to be neither infinite nor NaN, and not 0."""
    return isinstance(factor, Node) or (math.isfinite(factor) and factor != 0)
