"""Rules for operations that torch has fused: each is taken apart, so that factors move through its parts."""

from __future__ import annotations

import math

from pure_mlp._compile.graph import Node
from pure_mlp._compile.numbers import number
from pure_mlp._compile.passes.builder import Builder, Scaled, Value, is_finite
from pure_mlp.kernels import ONES


def addmm(s: Builder, node: Node) -> Value | None:
    """bias + A B, and its relu."""
    three = s.operands(node.args[:3], node.like)
    ordinary = is_finite(node.keyword("beta")) and is_finite(node.keyword("alpha"))
    if three is None or len(node.args) > 3 or node.kwargs.get("use_gelu") or not ordinary:
        return None
    bias, a, b = three
    mm = s.graph.add("aten.mm.default", (a.node, b.node), {}, node.spec)
    factors = s.times(bias.factor, node.keyword("beta")), s.times(a.factor, b.factor, node.keyword("alpha"))
    lin = s.graph.add("lin", (bias.node, factors[0], mm, factors[1]), {}, node.spec)
    return Scaled(s.graph.add("aten.relu.default", (lin,), {}, node.spec) if "activation" in node.op else lin, 1.0)


def addcdiv(s: Builder, node: Node) -> Value | None:
    """x + value a / b, with the factors of all three."""
    three = s.operands(node.args[:3], node.like)
    if three is None or len(node.args) > 3:
        return None
    x, a, b = three
    if not x.node.spec == a.node.spec == b.node.spec == node.spec:
        return None
    inner = s.graph.add("aten.div.Tensor", (a.node, b.node), {}, node.spec)
    factor = s.times(number(s.graph, "div", a.factor, b.factor), node.keyword("value"))
    return s.combined(x, Scaled(inner, factor), node.like)


def squared_error(s: Builder, node: Node) -> Value | None:
    """(a - b)^2, element by element."""
    reduction = node.args[2] if len(node.args) > 2 else 1
    d = _difference(s, node.args[:2], node) if reduction == 0 else None
    return None if d is None else Scaled(s.graph.add("aten.mul.Tensor", (d, d), {}, node.spec), 1.0)


def squared_error_backward(s: Builder, node: Node) -> Value | None:
    """2 (a - b) / numel, where the cotangent of the loss is the library's own constant 1."""
    dy, a, b, reduction = node.args
    value = dy.value if isinstance(dy, Node) else None
    one = value is not None and any(value.data_ptr() == known.data_ptr() for known in ONES.values())
    d = _difference(s, (a, b), node) if reduction == 1 and one else None
    return None if d is None else Scaled(d, 2.0 / max(math.prod(node.like.shape), 1))


def _difference(s: Builder, args: tuple[object, ...], node: Node) -> Node | None:
    two = s.operands(args, node.like)
    if two is None or two[0].node.like.shape != two[1].node.like.shape or not node.like.shape:
        return None
    a, b = two
    return s.graph.add("lin", (a.node, a.factor, b.node, s.times(b.factor, -1.0)), {}, node.like.fresh)


def first_output(s: Builder, node: Node) -> Value | None:
    """log_sigmoid, the first output of the operation with two: the second is memory that it needs."""
    several = node.node(0)
    x = s.argument(several.args[0]) if several.op == "aten.log_sigmoid_forward.default" and node.slot == 0 else None
    return Scaled(s.graph.add("log_sigmoid", (x,), {}, node.spec), 1.0) if isinstance(x, Node) and node.like.real else None
