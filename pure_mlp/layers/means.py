"""Means that keep their digits: what the norms share."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["row_mean", "wide"]


def row_mean(x: Tensor) -> Tensor:
    """sum_k x_k / n over the last dimension, which stays as one of length 1.

    >>> row_mean(torch.tensor([[1.0, 3.0]]))
    tensor([[2.]])
    """
    return x.sum(-1, keepdim=True) / x.shape[-1]


def wide(x: Tensor) -> Tensor:
    """x in float32 where it is half precision, else x itself: there squares overflow, and means of differences lose digits.

    >>> wide(torch.ones(2, dtype=torch.bfloat16)).dtype, wide(torch.ones(2, dtype=torch.float64)).dtype
    (torch.float32, torch.float64)
    """
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
