"""What the losses share: refusing to broadcast, and turning one number an element into one number a batch."""

from __future__ import annotations

from math import inf
from typing import Literal

from torch import Tensor

from pure_mlp.kernels import wide
from pure_mlp.shapes import spec

__all__ = ["Reduction", "divisor", "reduce", "same_shape", "scale"]

Reduction = Literal["mean", "sum", "batchmean", "none"]
"""What is made of the losses of the examples."""


def same_shape(loss: str, y: Tensor, y_hat: Tensor) -> None:
    """Raise `ValueError` unless label and prediction agree in shape and dtype: a loss never broadcasts.

    >>> import torch
    >>> same_shape("mse", torch.ones(4), torch.ones(4, 1))
    Traceback (most recent call last):
    ValueError: mse: y (4,) float32, y_hat (4, 1) float32, expected the same
    """
    try:
        same = y.shape == y_hat.shape and y.dtype == y_hat.dtype and isinstance(y, Tensor)
    except AttributeError:
        same = False
    if not same:
        raise ValueError(f"{loss}: y {spec(y)}, y_hat {spec(y_hat)}, expected the same")


def scale(loss: str, y_hat: Tensor, reduction: Reduction) -> float:
    """The factor that `reduction` puts on the sum over elements: 1/numel, 1 or 1/(leading dimension); inf over nothing.

    Raises `ValueError` for an unknown reduction.

    >>> import torch
    >>> scale("mse", torch.ones(4, 5), "mean"), scale("mse", torch.ones(4, 5), "batchmean")
    (0.05, 0.25)
    """
    count = divisor(loss, y_hat, reduction)
    return 1 / count if count else inf


def divisor(loss: str, y_hat: Tensor, reduction: Reduction) -> int:
    """What `reduction` divides the sum over elements by: numel, 1 or the leading dimension.

    Raises `ValueError` for an unknown reduction.

    >>> import torch
    >>> divisor("mse", torch.ones(4, 5), "mean"), divisor("mse", torch.ones(4, 5), "batchmean")
    (20, 4)
    """
    if reduction == "mean":
        return y_hat.numel()
    if reduction == "batchmean":
        return y_hat.shape[0] if y_hat.dim() else 1
    if reduction in ("sum", "none"):
        return 1
    raise ValueError(f"{loss}: reduction {reduction!r}, expected one of mean, sum, batchmean, none")


def reduce(elements: Tensor, factor: float, reduction: Reduction) -> Tensor:
    """The loss from its elements: themselves for none, their mean, or `factor` times their sum. The mean of nothing is NaN.

    >>> import torch
    >>> reduce(torch.tensor([1.0, 2.0]), 1.0, "sum")
    tensor(3.)
    """
    if reduction == "none":
        return elements
    if reduction == "mean":
        return elements.mean()
    return elements.sum() if factor == 1 else (wide(elements).sum() * factor).to(elements.dtype)
