"""Arithmetic on lists of tensors: one call for all leaves, or a call a leaf where torch has no rule for lists (inside vmap).

A trailing underscore is torch's: the result takes the memory of the first list, which the rule has just made and nothing else
refers to.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Number", "add", "addcdiv", "addcmul_", "div", "lerp", "mul", "mul_", "shift_", "sqrt"]

Number = float | Tensor

# `torch._foreach_mul` and `torch._foreach_add` read a 0-dim tensor into a Python number, which no trace can follow.
_mul_tensor = torch.ops.aten._foreach_mul.Tensor
_mul_tensor_ = torch.ops.aten._foreach_mul_.Tensor
_add_tensor_ = torch.ops.aten._foreach_add_.Tensor


def add(xs: list[Tensor], ys: list[Tensor], alpha: float = 1.0) -> list[Tensor]:
    """x + alpha y.

    >>> add([torch.tensor(1.0)], [torch.tensor(2.0)], alpha=0.5)
    [tensor(2.)]
    """
    try:
        return [*torch._foreach_add(xs, ys, alpha=alpha)]
    except RuntimeError:
        return [torch.add(x, y, alpha=alpha) for x, y in zip(xs, ys)]


def mul(xs: list[Tensor], c: Number) -> list[Tensor]:
    """c x, for a number or a 0-dim tensor c.

    >>> mul([torch.tensor(1.0)], 3.0)
    [tensor(3.)]
    """
    try:
        return [*(torch._foreach_mul(xs, c) if isinstance(c, (int, float)) else _mul_tensor(xs, c))]
    except RuntimeError:
        return [x * c for x in xs]


def mul_(xs: list[Tensor], c: Number) -> list[Tensor]:
    """c x in place, for a number or a 0-dim tensor c.

    >>> mul_([torch.tensor(1.0)], 3.0)
    [tensor(3.)]
    """
    try:
        torch._foreach_mul_(xs, c) if isinstance(c, (int, float)) else _mul_tensor_(xs, c)
    except RuntimeError:
        return [x * c for x in xs]
    return xs


def shift_(xs: list[Tensor], c: Number) -> list[Tensor]:
    """x + c in place, for a number or a 0-dim tensor c.

    >>> shift_([torch.tensor(1.0)], 3.0)
    [tensor(4.)]
    """
    try:
        torch._foreach_add_(xs, c) if isinstance(c, (int, float)) else _add_tensor_(xs, c)
    except RuntimeError:
        return [x + c for x in xs]
    return xs


def div(xs: list[Tensor], ys: list[Tensor]) -> list[Tensor]:
    """x / y.

    >>> div([torch.tensor(1.0)], [torch.tensor(2.0)])
    [tensor(0.5000)]
    """
    try:
        return [*torch._foreach_div(xs, ys)]
    except RuntimeError:
        return [x / y for x, y in zip(xs, ys)]


def addcmul_(xs: list[Tensor], ys: list[Tensor], zs: list[Tensor], value: float) -> list[Tensor]:
    """x + value y z in place.

    >>> addcmul_([torch.tensor(1.0)], [torch.tensor(2.0)], [torch.tensor(3.0)], 2.0)
    [tensor(13.)]
    """
    try:
        torch._foreach_addcmul_(xs, ys, zs, value=value)
    except RuntimeError:
        return [torch.addcmul(x, y, z, value=value) for x, y, z in zip(xs, ys, zs)]
    return xs


def addcdiv(xs: list[Tensor], ys: list[Tensor], zs: list[Tensor], value: float) -> list[Tensor]:
    """x + value y / z.

    >>> addcdiv([torch.tensor(1.0)], [torch.tensor(3.0)], [torch.tensor(2.0)], 2.0)
    [tensor(4.)]
    """
    try:
        return [*torch._foreach_addcdiv(xs, ys, zs, value=value)]
    except RuntimeError:
        return [torch.addcdiv(x, y, z, value=value) for x, y, z in zip(xs, ys, zs)]


def lerp(xs: list[Tensor], ys: list[Tensor], weight: float) -> list[Tensor]:
    """x + weight (y - x).

    >>> lerp([torch.tensor(1.0)], [torch.tensor(2.0)], 0.5)
    [tensor(1.5000)]
    """
    try:
        return [*torch._foreach_lerp(xs, ys, weight)]
    except RuntimeError:
        return [torch.lerp(x, y, weight) for x, y in zip(xs, ys)]


def sqrt(xs: list[Tensor]) -> list[Tensor]:
    """The elementwise square root.

    >>> sqrt([torch.tensor(4.0)])
    [tensor(2.)]
    """
    try:
        return [*torch._foreach_sqrt(xs)]
    except RuntimeError:
        return [x.sqrt() for x in xs]
