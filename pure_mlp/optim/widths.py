"""Half-precision leaves inside a rule: an eps of 1e-8, or the square of a small gradient, is 0 in float16."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["narrowed", "widened"]

_HALF = (torch.float16, torch.bfloat16)


def widened(xs: list[Tensor]) -> list[Tensor]:
    """The same numbers, those in half precision as float32.

    >>> widened([torch.ones(1, dtype=torch.float16)])
    [tensor([1.])]
    """
    return [x.float() if x.dtype in _HALF else x for x in xs]


def narrowed(xs: list[Tensor], like: list[Tensor]) -> list[Tensor]:
    """The numbers in the dtypes of others.

    >>> narrowed([torch.ones(1)], [torch.ones(1, dtype=torch.float16)])
    [tensor([1.], dtype=torch.float16)]
    """
    return [x if x.dtype == l.dtype else x.to(l.dtype) for x, l in zip(xs, like)]


def wide_zeros(x: Tensor) -> Tensor:
    """Zeros of this shape, in float32 for half precision.

    >>> wide_zeros(torch.ones(2, dtype=torch.bfloat16))
    tensor([0., 0.])
    """
    return torch.zeros_like(x, dtype=torch.float32) if x.dtype in _HALF else torch.zeros_like(x)


def shown(eps: float, leaves: list[Tensor], share: float = 1.0) -> float:
    """eps, or where it is positive the least number of which `share` is not rounded to 0 in the dtype of the leaves.

    >>> shown(1e-8, [torch.ones(1)]), shown(1e-50, [torch.ones(1)]) > 1e-38
    (1e-08, True)
    """
    if not 0 < eps < 1e-30:
        return eps
    return max([eps, *(torch.finfo(x.dtype).tiny / share for x in leaves)])
