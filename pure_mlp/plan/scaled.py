"""A value with a numeric factor outside, and the graph built of such values."""

from __future__ import annotations

from typing import NamedTuple

import torch

from pure_mlp.plan.graph import Graph, Node, Spec, is_random
from pure_mlp.plan.host import Number


class Scaled(NamedTuple):
    """factor times the value of a node."""

    node: Node
    factor: Number


Value = Scaled | float | Node
"""A scaled tensor, a number, or a host node."""


_NUMBER_AS_TENSOR = {"aten.add.Tensor", "aten.sub.Tensor", "aten.mul.Tensor", "aten.div.Tensor"}


class Builder:
    """The new graph, and what each node of the trace has become in it."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.values: dict[Node, Value] = {}

    def generic(self, node: Node) -> Node:
        kwargs = {k: self.argument(a) for k, a in node.kwargs.items()}
        args = tuple(self.argument(a) for a in node.args)
        floating = node.op in _NUMBER_AS_TENSOR and node.like.dtype.is_floating_point
        if floating and args[1:] and isinstance(args[1], (int, float)):
            args = (args[0], self.graph.number(float(args[1])), *args[2:])
        return self.graph.add(node.op, args, kwargs, node.spec, unique=is_random(node.op))

    def argument(self, a: object) -> object:
        if isinstance(a, tuple):
            return tuple(self.argument(b) for b in a)
        return self.tensor(a) if isinstance(a, Node) else a

    def tensor(self, traced: Node) -> Node:
        """The value of a traced node as a tensor."""
        value = self.values[traced]
        if isinstance(value, Scaled):
            return self.scaled(value)
        if isinstance(value, Node):
            return self.graph.add("fill", (value,), {}, Spec((), (), torch.float64, torch.device("cpu")))
        return self.graph.number(value)

    def scaled(self, value: Scaled) -> Node:
        if isinstance(value.factor, float) and value.factor == 1:
            return value.node
        return self.graph.add("scale", tuple(value), {}, value.node.spec)

    def split(self, a: object, like: Spec) -> Value | None:
        """An argument as a value, if products with numbers keep its dtype: floating, and of the result's dtype."""
        value = self.values[a] if isinstance(a, Node) else a
        if isinstance(value, Scaled):
            return value if value.node.spec is not None and value.node.spec.dtype == like.dtype else None
        wide = bool(like.shape) or like.dtype == torch.float64 or not isinstance(a, Node)
        if not like.dtype.is_floating_point or not wide or isinstance(value, bool):
            return None
        return float(value) if isinstance(value, int) else value if isinstance(value, (float, Node)) else None
