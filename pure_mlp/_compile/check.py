"""Whether a program does what the pure step does: the changes of every leaf are compared, and the loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_BOUND = {torch.float64: 1e-9, torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""The relative error allowed for the change of a leaf, by Euclidean norms (Adam's first step divides by gradients
that may be nothing but rounding, so that single elements tell little), and for the loss.
"""
_ULPS = 4.0
"""The error allowed for an element besides, in units of the last place of the largest element: smaller changes are
rounding.
"""


def difference(
    names: Sequence[str],
    before: Sequence[Tensor],
    expected: Sequence[Tensor],
    got: Sequence[Tensor],
    dtype: torch.dtype,
    noise: Sequence[float] | None = None,
) -> str | None:
    """The first leaf whose change is not the expected one, with both figures; None if all agree.

    before are leaves before the step; expected and got the same leaves after it, then the losses: a loss counts as a
    change from 0. dtype is the coarsest that the step computes in; noise what each may be off besides.
    """
    starts = [*before, torch.zeros_like(expected[-1])]
    heads = [*names[: len(before)], "the loss"]
    for name, old, right, mine, more in zip(heads, starts, expected, got, noise or [0.0] * len(heads)):
        worst = _worst(old, right, mine, dtype if right.dtype.is_floating_point else right.dtype, more)
        if worst is not None:
            return f"{name} changes by {worst[0]:.9g} where the pure step changes it by {worst[1]:.9g}"
    return None


def _worst(old: Tensor, right: Tensor, mine: Tensor, dtype: torch.dtype, noise: float) -> tuple[float, float] | None:
    """The two changes of the element that is furthest off, if the leaf is off by too much."""
    old, right, mine = old.detach(), right.detach(), mine.detach()
    if not right.numel() or torch.equal(right, mine) or _near(old, right, mine, _BOUND.get(dtype, 0.0) / 2):
        return None
    a, b, c = (t.double().flatten() for t in (old, right, mine))
    off = torch.where((b == c) | (b.isnan() & c.isnan()), 0.0, (c - b).abs())
    if not off.any():
        return None
    change, size = (torch.where(t.isfinite(), t, 0.0) for t in (b - a, b))
    allowed = _BOUND.get(dtype, 0.0) * change.norm() + noise
    if dtype.is_floating_point:
        allowed += _ULPS * torch.finfo(dtype).eps * size.abs().max() * len(off) ** 0.5
    i = int(torch.where(off.isnan(), torch.inf, off).argmax())
    return None if off.norm() <= allowed else ((c - a)[i].item(), (b - a)[i].item())


def _near(old: Tensor, right: Tensor, mine: Tensor, bound: float) -> bool:
    """Whether the changes agree so well that a sum of squares in their own dtype shows it: one that does not under- or overflow."""
    if right.dtype not in (torch.float32, torch.float64):
        return False
    change = float((right - old).norm())
    return 1e-15 < change < torch.inf and float((mine - right).norm()) <= bound * change
