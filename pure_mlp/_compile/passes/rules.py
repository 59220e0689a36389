"""What sinks through what: a rule makes a value of the new graph from a node of the trace, or None to leave it as it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

from pure_mlp._compile.graph import Node, Spec, dense
from pure_mlp._compile.host import Number, host
from pure_mlp._compile.passes.ones import times_ones, where_ones
from pure_mlp._compile.passes.scaled import Builder, Scaled, Value, scalar_dtype
from pure_mlp.kernels import ONES


def _product(s: Builder, node: Node) -> Value | None:
    """mul, mm, bmm: the factors multiply."""
    if ".mul." in node.op and (value := times_ones(s, node)) is not None:
        return value
    a, b = (s.split(x, node.like) for x in node.args[:2])
    if isinstance(a, Scaled) and isinstance(b, Scaled):
        inner = s.graph.add(node.op, (a.node, b.node), {}, node.spec)
        return Scaled(inner, host(s.graph, "mul", a.factor, b.factor)) if node.like.dtype.is_floating_point else None
    tensor, number = (a, b) if isinstance(a, Scaled) else (b, a)
    if not isinstance(tensor, Scaled) or number is None or isinstance(number, Scaled) or tensor.node.like.shape != node.like.shape:
        return None
    return Scaled(tensor.node, host(s.graph, "mul", tensor.factor, number))


def _quotient(s: Builder, node: Node) -> Value | None:
    a, b = (s.split(x, node.like) for x in node.args[:2])
    if not isinstance(a, Scaled) or not node.like.dtype.is_floating_point or node.kwargs:
        return None
    if isinstance(b, Scaled):
        inner = s.graph.add(node.op, (a.node, s.scaled(b)), {}, node.spec)
        return Scaled(inner, a.factor)
    if b is None or b == 0 or a.node.like.shape != node.like.shape:
        return None
    return Scaled(a.node, host(s.graph, "div", a.factor, b))


def _addcdiv(s: Builder, node: Node) -> Value | None:
    """x + a / b, with the factors of all three."""
    x, a, b = (s.split(t, node.like) for t in node.args[:3])
    if not (isinstance(x, Scaled) and isinstance(a, Scaled) and isinstance(b, Scaled)) or len(node.args) > 3:
        return None
    if not x.node.spec == a.node.spec == b.node.spec == node.spec or b.factor == 0:
        return None
    inner = s.graph.add("aten.div.Tensor", (a.node, b.node), {}, node.spec)
    value = float(cast(float, node.kwargs.get("value", 1)))
    factor = host(s.graph, "mul", value, host(s.graph, "div", a.factor, b.factor))
    return Scaled(s.graph.add("lin", (x.node, x.factor, inner, factor), {}, node.spec), 1.0)


def _negative(s: Builder, node: Node) -> Value | None:
    a = s.floating(node.args[0], node.like)
    return None if a is None else Scaled(a.node, host(s.graph, "mul", a.factor, -1.0))


def view(s: Builder, node: Node) -> Value | None:
    """A view of a multiple is the multiple of the view; None where the operand is no tensor with a factor.

    >>> from pure_mlp._compile.graph import spec_of
    >>> import torch
    >>> s, spec = Builder(), spec_of(torch.ones(3, 3))
    >>> x = s.graph.add("carry", (0,), {}, spec)
    >>> s.values[x] = Scaled(x, 2.0)
    >>> value = view(s, s.graph.add("aten.t.default", (x,), {}, spec))
    >>> value.node.op, value.factor
    ('aten.t.default', 2.0)
    """
    a = s.split(node.args[0], node.like)
    if not isinstance(a, Scaled):
        return None
    return Scaled(s.graph.add(node.op, (a.node, *node.args[1:]), node.kwargs, node.spec), a.factor)


def _sum(s: Builder, node: Node) -> Value | None:
    """sum or mean; the mean of all is a multiple of the sum, and the sum of squares does without the squares."""
    a = s.floating(node.args[0], node.like)
    if a is None:
        return None
    n, whole = math.prod(a.node.like.shape), not node.args[1:] and not node.kwargs
    if not whole or not n or not a.node.like.shape:
        return Scaled(s.graph.add(node.op, (a.node, *node.args[1:]), node.kwargs, node.spec), a.factor)
    if a.node.op == "aten.mul.Tensor" and a.node.args[0] is a.node.args[1]:
        inner = s.graph.add("sqsum", (a.node.args[0],), {}, node.spec)
    else:
        inner = s.graph.add("aten.sum.default", (a.node,), {}, node.spec)
    return Scaled(inner, host(s.graph, "div", a.factor, float(n)) if "mean" in node.op else a.factor)


def _square(s: Builder, node: Node) -> Value | None:
    a = s.floating(node.args[0], node.like)
    if a is None or node.args[1:] not in ((), (2,), (2.0,)):
        return None
    inner = s.graph.add("aten.mul.Tensor", (a.node, a.node), {}, node.spec)
    return Scaled(inner, host(s.graph, "mul", a.factor, a.factor))


def _threshold(s: Builder, node: Node) -> Value | None:
    dy, y = s.floating(node.args[0], node.like), s.argument(node.args[1])
    return None if dy is None else Scaled(s.graph.add(node.op, (dy.node, y, node.args[2]), {}, node.spec), dy.factor)


def _sum_of_two(s: Builder, node: Node, a: object, b: object, alpha: Number) -> Value | None:
    x, y = s.split(a, node.like), s.split(b, node.like)
    if not node.like.dtype.is_floating_point or not node.like.shape:
        return None
    x, y = (v if isinstance(v, Scaled) else None if v is None else _one(s, v, node) for v in (x, y))
    if x is None or y is None:
        return None
    y = Scaled(y.node, host(s.graph, "mul", y.factor, alpha))
    if x.factor == y.factor and x.factor != 1 and x.node is not y.node:
        return Scaled(s.graph.add("lin", (x.node, 1.0, y.node, 1.0), {}, node.spec), x.factor)
    return Scaled(s.graph.add("lin", (x.node, x.factor, y.node, y.factor), {}, node.spec), 1.0)


def _one(s: Builder, number: Number, node: Node) -> Scaled:
    """A number as a multiple of the constant 1, so that it travels in alpha."""
    return Scaled(s.graph.number(1.0, scalar_dtype(node.like)), number)


def _add(s: Builder, node: Node) -> Value | None:
    sign = -1.0 if ".sub." in node.op else 1.0
    return _sum_of_two(s, node, node.args[0], node.args[1], sign * float(cast(float, node.kwargs.get("alpha", 1))))


def _rsub(s: Builder, node: Node) -> Value | None:
    alpha = (*node.args, node.kwargs.get("alpha", 1))[2]
    return _sum_of_two(s, node, node.args[1], node.args[0], -float(cast(float, alpha)))


def _addmm(s: Builder, node: Node) -> Value | None:
    bias, a, b = (s.split(x, node.like) for x in node.args[:3])
    if not (isinstance(bias, Scaled) and isinstance(a, Scaled) and isinstance(b, Scaled)) or len(node.args) > 3:
        return None
    beta, alpha = (float(cast(float, node.kwargs.get(k, 1))) for k in ("beta", "alpha"))
    if node.kwargs.get("use_gelu"):
        return None
    mm = s.graph.add("aten.mm.default", (a.node, b.node), {}, node.spec)
    s_mm = host(s.graph, "mul", host(s.graph, "mul", a.factor, b.factor), alpha)
    lin = s.graph.add("lin", (bias.node, host(s.graph, "mul", bias.factor, beta), mm, s_mm), {}, node.spec)
    return Scaled(s.graph.add("aten.relu.default", (lin,), {}, node.spec) if "activation" in node.op else lin, 1.0)


def _difference(s: Builder, a: object, b: object, like: Spec) -> Node | None:
    """a - b of two tensors of one spec."""
    x, y = s.split(a, like), s.split(b, like)
    if not (isinstance(x, Scaled) and isinstance(y, Scaled)) or x.node.spec is None or x.node.spec != y.node.spec:
        return None
    return s.graph.add("lin", (x.node, x.factor, y.node, host(s.graph, "mul", y.factor, -1.0)), {}, x.node.spec)


def _squared_error(s: Builder, node: Node) -> Value | None:
    a, b, reduction = (*node.args, 1)[:3]
    d = _difference(s, a, b, node.like) if reduction == 0 and node.like.shape else None
    return None if d is None else Scaled(s.graph.add("aten.mul.Tensor", (d, d), {}, node.spec), 1.0)


def _mse_backward(s: Builder, node: Node) -> Value | None:
    dy, a, b, mean = node.args
    value = dy.value if isinstance(dy, Node) else None
    one = value is not None and any(value.data_ptr() == known.data_ptr() for known in ONES.values())
    d = _difference(s, a, b, node.like) if mean == 1 and one and node.like.shape else None
    return None if d is None else Scaled(d, 2.0 / max(math.prod(node.like.shape), 1))


def _log_sigmoid(s: Builder, node: Node) -> Value | None:
    """The first output of the operation with two: the second is memory that it needs."""
    several = cast(Node, node.args[0])
    x = s.argument(several.args[0]) if several.op == "aten.log_sigmoid_forward.default" and node.args[1] == 0 else None
    if not isinstance(x, Node) or x.spec != node.spec or not dense(node.like):
        return None
    return Scaled(s.graph.add("log_sigmoid", (x,), {}, node.spec), 1.0)


RULES: dict[str, Callable[[Builder, Node], Value | None]] = {
    **dict.fromkeys(("aten.mul.Tensor", "aten.mul.Scalar", "aten.mm.default", "aten.bmm.default"), _product),
    **dict.fromkeys(("aten.div.Tensor", "aten.div.Scalar"), _quotient),
    **dict.fromkeys(("aten.sum.default", "aten.mean.default", "aten.sum.dim_IntList", "aten.mean.dim"), _sum),
    **dict.fromkeys(("aten.add.Tensor", "aten.sub.Tensor", "aten.add.Scalar", "aten.sub.Scalar"), _add),
    **dict.fromkeys(("aten.addmm.default", "aten._addmm_activation.default"), _addmm),
    "aten.addcdiv.default": _addcdiv,
    "aten.neg.default": _negative,
    "aten.rsub.Scalar": _rsub,
    "aten.pow.Tensor_Scalar": _square,
    "aten.square.default": _square,
    "aten.threshold_backward.default": _threshold,
    "aten.mse_loss.default": _squared_error,
    "aten.mse_loss_backward.default": _mse_backward,
    "aten.where.self": where_ones,
    "getitem": _log_sigmoid,
}
