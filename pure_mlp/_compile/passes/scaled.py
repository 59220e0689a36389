"""A value with a numeric factor outside, and the graph built of such values."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch

from pure_mlp._compile.graph import Graph, Node, Spec, dense, is_pointwise, is_random
from pure_mlp._compile.host import Number


class Scaled(NamedTuple):
    """factor times the value of a node."""

    node: Node
    factor: Number


Value = Scaled | float | Node
"""A scaled tensor, a number, or a host node."""


_ARITHMETIC = {"aten.add.Tensor", "aten.sub.Tensor", "aten.mul.Tensor", "aten.div.Tensor"}
_COMPARISONS = {f"aten.{name}.Scalar": f"aten.{name}.Tensor" for name in ("eq", "ne", "lt", "le", "gt", "ge")}


def scalar_dtype(like: Spec) -> torch.dtype:
    """The dtype of a number beside a tensor: the tensor's, so that nothing is converted; float64 beside a half, which it rounds to.

    >>> from pure_mlp._compile.graph import spec_of
    >>> scalar_dtype(spec_of(torch.ones(2))), scalar_dtype(spec_of(torch.ones(2).half()))
    (torch.float32, torch.float64)
    """
    return like.dtype if like.dtype in (torch.float32, torch.float64) else torch.float64


class Builder:
    """The new graph, and what each node of the trace has become in it."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.values: dict[Node, Value] = {}

    def generic(self, node: Node) -> Node:
        kwargs = {k: self.argument(a) for k, a in node.kwargs.items()}
        op, args = node.op, tuple(self.argument(a) for a in node.args)
        if op in _COMPARISONS and isinstance(args[0], Node) and _comparable(args[0].like.dtype, args[1]):
            op, args = _COMPARISONS[op], (args[0], self.graph.number(cast(float, args[1]), args[0].like.dtype))
        elif node.spec is not None and node.spec.dtype.is_floating_point and is_pointwise(op):
            if op in _ARITHMETIC and isinstance(args[1], (int, float)):
                args = (args[0], self.graph.number(float(args[1]), scalar_dtype(node.spec)), *args[2:])
            args = tuple(self.converted(op, a, node.spec) if node.spec.shape else a for a in args)
        return self.graph.add(op, args, kwargs, node.spec, unique=is_random(op))

    def converted(self, op: str, a: object, like: Spec) -> object:
        """An operand of an elementwise op, in the dtype to which torch would convert it, so that there is memory for that."""
        if not isinstance(a, Node) or a.spec is None or a.spec.dtype == like.dtype:
            return a
        if a.op == "const" and a.args[:1] == ("number",):
            return self.graph.number(cast(float, a.args[1]), scalar_dtype(like))
        if op in _ARITHMETIC and a.spec.shape and dense(a.spec):
            return self.graph.add("aten._to_copy.default", (a,), {"dtype": like.dtype}, a.spec._replace(dtype=like.dtype))
        return a

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

    def floating(self, a: object, like: Spec) -> Scaled | None:
        """An argument as a tensor with a factor, if it is floating."""
        value = self.split(a, like)
        return value if isinstance(value, Scaled) and like.dtype.is_floating_point else None

    def split(self, a: object, like: Spec) -> Value | None:
        """An argument as a value, if products with numbers keep its dtype: floating, and of the result's dtype."""
        value = self.values[a] if isinstance(a, Node) else a
        if isinstance(value, Scaled):
            return value if value.node.spec is not None and value.node.spec.dtype == like.dtype else None
        wide = bool(like.shape) or like.dtype == torch.float64 or not isinstance(a, Node)
        if not like.dtype.is_floating_point or not wide or isinstance(value, bool):
            return None
        return float(value) if isinstance(value, int) else value if isinstance(value, (float, Node)) else None


def _comparable(dtype: torch.dtype, number: object) -> bool:
    """Whether torch compares a tensor of this dtype with the number in this dtype."""
    whole = isinstance(number, int) and dtype == torch.int64
    return whole or (isinstance(number, (int, float)) and dtype in (torch.float32, torch.float64))
