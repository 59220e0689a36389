"""The Huber loss (Huber, 1964): squares near 0, absolute values beyond."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from pure_mlp.losses.curvature import curved
from pure_mlp.losses.reduction import Reduction, reduce, same_shape, scale
from pure_mlp.shapes import check_number

__all__ = ["Reduced", "huber", "huber_loss"]


class Reduced(Protocol):
    """A loss that takes a reduction."""

    def __call__(self, y: Tensor, y_hat: Tensor, reduction: Reduction = ..., /) -> tuple[Tensor, Tensor]:
        """J and dJ/dy_hat."""
        ...


def huber(delta: float = 1.0) -> Reduced:
    """J = c sum q (e - q / 2), with e = y_hat - y and q = e cut to [-delta, delta], and dJ/dy_hat = c q.

    That is e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2); as `torch.nn.functional.huber_loss`. c as in `mse`.

    Args:
        delta: up to which error it is a square; in units of y, positive.

    Returns:
        The loss, of (y, y_hat, reduction="mean").

    Raises:
        ValueError: delta is not positive and finite, or y and y_hat differ in shape or dtype.

    >>> import torch
    >>> huber()(torch.tensor([0.0, 0.0]), torch.tensor([0.5, -3.0]), "none")
    (tensor([0.1250, 2.5000]), tensor([ 0.5000, -1.0000]))
    """
    check_number("huber", "delta", delta, above=True)
    return partial(huber_loss, delta=delta)


def _curvature(y: Tensor, y_hat: Tensor, v: Tensor, reduction: Reduction = "mean", *, delta: float) -> Tensor:
    return torch.where((y_hat - y).abs() <= delta, scale("huber", y_hat, reduction) * v, 0)


@curved(_curvature)
def huber_loss(y: Tensor, y_hat: Tensor, reduction: Reduction = "mean", *, delta: float) -> tuple[Tensor, Tensor]:
    """`huber` with delta as an argument.

    >>> import torch
    >>> huber_loss(torch.tensor([0.0]), torch.tensor([3.0]), delta=2.0)
    (tensor(4.), tensor([2.]))
    """
    same_shape("huber", y, y_hat)
    e = y_hat - y
    c = scale("huber", e, reduction)
    q = e.clamp(-delta, delta)
    return reduce(q * (e - q / 2), c, reduction), c * q
