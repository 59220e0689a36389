"""When two results are one, up to rounding."""

from __future__ import annotations

import torch
from torch import Tensor

RTOL = 1e-4


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    """|ours - theirs| / (|theirs| + 1e-2) over the finite elements; infinite where shapes, NaNs or infinities differ.

    >>> relative_error(torch.tensor([1.0, torch.nan]), torch.tensor([1.0, torch.nan]))
    0.0
    >>> relative_error(torch.ones(2), torch.ones(1, 2))
    inf
    """
    if ours.shape != theirs.shape:
        return torch.inf
    if torch.equal(ours, theirs):
        return 0.0
    a, b = ours.double(), theirs.double()
    if (error := float((a - b).norm())) < torch.inf:
        return error / (float(b.norm()) + 1e-2)
    finite = b.isfinite()
    if not torch.equal(a.isfinite(), finite) or not torch.equal(a[~finite].nan_to_num(7.0), b[~finite].nan_to_num(7.0)):
        return torch.inf
    return float((a[finite] - b[finite]).norm() / (b[finite].norm() + 1e-2))


def same(ours: Tensor, theirs: Tensor, *, rtol: float = RTOL) -> bool:
    """Whether two results are one, up to rounding of another order of operations in float32: `relative_error` at most `rtol`.

    >>> one = torch.ones(2)
    >>> same(one, one + 1e-6), same(one, one + 1e-3), same(one, torch.ones(1, 2))
    (True, False, False)
    """
    return relative_error(ours, theirs) <= rtol


def ratio(ours: Tensor, theirs: Tensor) -> float:
    """The factor that makes theirs ours, 0 where there is none or theirs is 0.

    >>> ratio(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 2.0])), ratio(torch.ones(2), torch.arange(2.0))
    (2.0, 0.0)
    """
    if ours.shape != theirs.shape or not bool(theirs.any()):
        return 0.0
    factor = float((ours.double() * theirs.double()).sum() / (theirs.double() ** 2).sum())
    return factor if factor and same(ours, factor * theirs) else 0.0


def figure(value: float) -> str:
    """Three digits, without the zeros and signs that a person does not read.

    >>> figure(1000000046265793536.0), figure(0.00125), figure(7.0), figure(1.25e-4)
    ('1e18', '0.00125', '7', '1.25e-4')
    """
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    if not exponent or -4 < int(exponent) < 4:
        return f"{value:.4g}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{float(mantissa):g}e{int(exponent)}"
