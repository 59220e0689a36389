"""Standardisation: every column to mean 0 and standard deviation 1, by the statistics of the training part."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from pure_mlp.data.moments import Moments
from pure_mlp.record import record


@record
@attrs.frozen(eq=False)
class Standardizer:
    """What is subtracted from each column and what it is then divided by: mean (d,) and std (d,), in the units of the columns.

    >>> Standardizer(mean=torch.zeros(2), std=torch.ones(2)).std
    tensor([1., 1.])
    """

    mean: Tensor
    std: Tensor


def fit_standardizer(x: Tensor) -> Standardizer:
    """mean_j = sum_i x_ij / n and std_j = sqrt(sum_i (x_ij - mean_j)^2 / n) of x (n, d), summed in float64, in the dtype of x.

    A constant column gets its value as mean and std 1, so that it becomes 0; one whose deviation is subnormal in the dtype of x
    gets std 1 too, since what is divided by it may overflow. Fit it on the training part only. Raises `ValueError` unless x is
    (n, d) with n >= 1, and for a column, counted from 0, whose mean or deviation is not finite.

    >>> fit_standardizer(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    Standardizer(mean=tensor([2., 5.]), std=tensor([1., 1.]))
    """
    if x.dim() != 2 or len(x) < 1:
        raise ValueError(f"fit_standardizer: x {tuple(x.shape)}, expected (n, d) with n >= 1")
    wide = x.to(torch.float64)
    mean, std = wide.mean(0).to(x.dtype), wide.std(0, correction=0).to(x.dtype)
    for column, fine in enumerate((torch.isfinite(mean) & torch.isfinite(std)).tolist()):
        if not fine:
            found = f"mean {mean[column]:g} and deviation {std[column]:g}"
            raise ValueError(f"fit_standardizer: column {column}: {found}, expected finite ones")
    return _divisible(mean, std, x.amin(0), x.amax(0))


def standardizer_of(found: Moments, dtype: torch.dtype) -> Standardizer:
    """As `fit_standardizer`, from the moments of the columns.

    >>> from pure_mlp.data.moments import moments
    >>> standardizer_of(moments(torch.tensor([[1.0, 5.0], [3.0, 5.0]])), torch.float32)
    Standardizer(mean=tensor([2., 5.]), std=tensor([1., 1.]))
    """
    return _divisible(found.mean.to(dtype), found.std.to(dtype), found.low.to(dtype), found.high.to(dtype))


def _divisible(mean: Tensor, std: Tensor, low: Tensor, high: Tensor) -> Standardizer:
    constant, tiny = low == high, std < torch.finfo(std.dtype).tiny
    return Standardizer(torch.where(constant, low, mean), torch.where(constant | tiny, torch.ones_like(std), std))


def standardize(s: Standardizer, x: Tensor) -> Tensor:
    """(x - mean) / std for x (*, d). Raises `ValueError` for another number of columns.

    >>> standardize(Standardizer(torch.tensor([2.0]), torch.tensor([4.0])), torch.tensor([[10.0]]))
    tensor([[2.]])
    """
    same_columns("standardize", s, x)
    return (x - s.mean) / s.std


def unstandardize(s: Standardizer, x: Tensor) -> Tensor:
    """x std + mean for x (*, d), the inverse of `standardize`. Raises `ValueError` for another number of columns.

    >>> unstandardize(Standardizer(torch.tensor([2.0]), torch.tensor([4.0])), torch.tensor([[2.0]]))
    tensor([[10.]])
    """
    same_columns("unstandardize", s, x)
    return x * s.std + s.mean


def same_columns(name: str, s: Standardizer, x: Tensor) -> None:
    """Raises `ValueError` with both shapes unless x has the columns that s was fitted on.

    >>> same_columns("standardize", Standardizer(torch.zeros(2), torch.ones(2)), torch.ones(5, 3))
    Traceback (most recent call last):
    ValueError: standardize: x (5, 3), fitted on (*, 2)
    """
    if x.shape[-1:] != s.mean.shape:
        raise ValueError(f"{name}: x {tuple(x.shape)}, fitted on (*, {len(s.mean)})")
