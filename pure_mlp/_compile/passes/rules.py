"""How factors move through operations: a rule makes a value of the new graph from a node of the trace, or None
to leave it alone.

The factor of a tensor costs nothing until the product itself is needed: it moves through products, sums and views
into the alpha of an update. 0, inf and NaN are not moved (0 times inf is NaN), nor are factors of tensors in half
precision, where the rounding would differ.
"""

from __future__ import annotations

import math

import torch

from pure_mlp._compile.graph import Node
from pure_mlp._compile.numbers import Number, number
from pure_mlp._compile.passes.builder import Builder, Scaled, Value, is_finite, scalar_dtype
from pure_mlp._compile.schema import name_of
from pure_mlp._compile.spec import Spec


def product(s: Builder, node: Node) -> Value | None:
    """mul, mm, bmm: the factors multiply."""
    a, b = (s.operand(x, node.like) for x in node.args[:2])
    if isinstance(a, Scaled) and isinstance(b, Scaled):
        return s.scaled(s.graph.add(node.op, (a.node, b.node), {}, node.spec), s.times(a.factor, b.factor))
    tensor, factor = (a, b) if isinstance(a, Scaled) else (b, a)
    if not isinstance(tensor, Scaled) or factor is None or isinstance(factor, Scaled) or tensor.node.like.shape != node.like.shape:
        return _arithmetic(s, node)
    return s.scaled(tensor.node, s.times(tensor.factor, factor))


def quotient(s: Builder, node: Node) -> Value | None:
    """div: by a tensor that is multiplied out, or by a number that is no 0."""
    a, b = (s.operand(x, node.like) for x in node.args[:2])
    if not isinstance(a, Scaled) or b is None or node.kwargs:
        return None if node.kwargs else _arithmetic(s, node)
    if isinstance(b, Scaled):
        divisor = b.node if b.factor == 1 else s.product(*b)
        return s.scaled(s.graph.add(node.op, (a.node, divisor), {}, node.spec), a.factor)
    if not is_finite(b) or a.node.like.shape != node.like.shape:
        return _arithmetic(s, node)
    return s.scaled(a.node, number(s.graph, "div", a.factor, b))


def negative(s: Builder, node: Node) -> Value | None:
    """-a."""
    a = s.operand(node.args[0], node.like)
    return s.scaled(a.node, s.times(a.factor, -1.0)) if isinstance(a, Scaled) else None


def view(s: Builder, node: Node) -> Value | None:
    """A view of a multiple is a multiple of the view, if both lie in memory alike."""
    a = s.operand(node.args[0], node.like)
    if not isinstance(a, Scaled) or a.node.spec != node.node(0).spec:
        return None
    return Scaled(s.graph.add(node.op, (a.node, *node.args[1:]), node.kwargs, node.spec), a.factor)


def total(s: Builder, node: Node) -> Value | None:
    """sum and mean: over all, where the sum of squares does without the squares; over the rows of a matrix;
    over other axes.
    """
    a = s.operand(node.args[0], node.like)
    if not isinstance(a, Scaled) or node.kwargs:
        x = s.argument(node.args[0])
        if node.op != "aten.sum.default" or node.kwargs or not isinstance(x, Node):
            return None
        axes = tuple(range(len(x.like.shape)))  # torch sums over axes into given memory
        return Scaled(s.graph.add("aten.sum.dim_IntList", (x, axes), {}, node.spec), 1.0)
    shape, over, rest = a.node.like.shape, (*node.args[1:], None)[0], node.args[2:]
    if over is not None:
        if "mean" in node.op or len(shape) != 2 or over not in ((0,), (-2,)) or rest not in ((), (False,)):
            return s.scaled(s.graph.add(node.op, (a.node, *node.args[1:]), {}, node.spec), a.factor)
        return s.scaled(s.graph.add("rowsum", (a.node, 1.0), {}, node.spec), a.factor)
    count = math.prod(shape)
    if not count:
        return None
    squares = a.node.op == "aten.mul.Tensor" and a.node.args[0] is a.node.args[1]
    inner = s.graph.add("sqsum" if squares else "total", (a.node.args[0] if squares else a.node, 1.0), {}, node.spec)
    return s.scaled(inner, number(s.graph, "div", a.factor, float(count if "mean" in node.op else 1)))


def square(s: Builder, node: Node) -> Value | None:
    """a^2, where the exponent is 2."""
    a = s.operand(node.args[0], node.like)
    if not isinstance(a, Scaled) or node.args[1:] not in ((), (2,), (2.0,)):
        return None
    return s.scaled(s.graph.add("aten.mul.Tensor", (a.node, a.node), {}, node.spec), s.times(a.factor, a.factor))


def threshold(s: Builder, node: Node) -> Value | None:
    """dy where y exceeds a number."""
    dy = s.operand(node.args[0], node.like)
    if not isinstance(dy, Scaled):
        return None
    return Scaled(s.graph.add(node.op, (dy.node, s.argument(node.args[1]), node.args[2]), {}, node.spec), dy.factor)


def add(s: Builder, node: Node) -> Value | None:
    """a + alpha b, or a - alpha b."""
    sign = -1.0 if ".sub." in node.op else 1.0
    return _sum(s, node, node.args[0], node.args[1], sign * node.keyword("alpha")) or _arithmetic(s, node)


def reversed_sub(s: Builder, node: Node) -> Value | None:
    """b - alpha a."""
    a, b, *rest = node.args
    alpha = rest[0] if rest else node.kwargs.get("alpha", 1)
    return _sum(s, node, b, a, -float(alpha)) if isinstance(alpha, (int, float)) else None


def _sum(s: Builder, node: Node, a: object, b: object, alpha: float) -> Value | None:
    x, y = s.operand(a, node.like), s.operand(b, node.like)
    if x is None or y is None or not node.like.shape:
        return None
    x, y = (v if isinstance(v, Scaled) else _multiple_of_one(s, v, node.like) for v in (x, y))
    return s.combined(x, Scaled(y.node, s.times(y.factor, alpha)), node.like)


def _multiple_of_one(s: Builder, factor: Number, like: Spec) -> Scaled:
    """A number as a multiple of the constant 1, so that it moves into alpha."""
    return Scaled(s.graph.number(1.0, scalar_dtype(like)), factor)


def _arithmetic(s: Builder, node: Node) -> Value:
    """An operation on two operands, unchanged but for numbers, which become tensors, and operands of another dtype,
    which are converted before it.
    """
    args = [s.argument(a) for a in node.args]
    if node.like.dtype.is_floating_point:
        args = [_converted(s, a, node.like) for a in args]
    elif node.like.dtype == torch.int64:
        args = [s.graph.number(a, torch.int64) if type(a) is int else a for a in args]
    kwargs = {k: s.argument(a) for k, a in node.kwargs.items()}
    tensors = not any(isinstance(a, (int, float)) for a in args)
    op = node.op.replace(".Scalar", ".Tensor") if tensors else node.op
    return Scaled(s.graph.add(op, tuple(args), kwargs, node.spec), 1.0)


def _converted(s: Builder, a: object, like: Spec) -> object:
    if isinstance(a, (int, float)) and not isinstance(a, bool):
        return s.graph.number(float(a), scalar_dtype(like))
    if not isinstance(a, Node) or a.spec is None or a.spec.dtype == like.dtype or not like.shape:
        return a
    if a.is_number and isinstance(a.args[0], (int, float)):
        return s.graph.number(float(a.args[0]), scalar_dtype(like))
    if (a.spec.shape and a.spec.dense) or (not a.spec.shape and like.real and a.spec.dtype.is_floating_point):
        return s.graph.add("aten._to_copy.default", (a,), {"dtype": like.dtype}, a.spec._replace(dtype=like.dtype))
    return a


def comparison(s: Builder, node: Node) -> Value | None:
    """A comparison or bitwise operation with a number, as one with a constant tensor, which costs less; where torch
    computes in the tensor's dtype.
    """
    x, c = (s.argument(a) for a in node.args[:2])
    if not isinstance(x, Node) or isinstance(c, bool) or not isinstance(c, (int, float)):
        return None
    if not x.like.real and not (isinstance(c, int) and x.like.dtype.itemsize == 8 and not x.like.dtype.is_floating_point):
        return None
    op = f"aten.{name_of(node.op)}.Tensor"
    return Scaled(s.graph.add(op, (x, s.graph.number(c, x.like.dtype)), {}, node.spec), 1.0)
