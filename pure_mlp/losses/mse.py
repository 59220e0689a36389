"""The squared error: its mean over all elements, and the handout's squared norm."""

from __future__ import annotations

from torch import Tensor

from pure_mlp.kernels import mse_backward, squared_error
from pure_mlp.losses.curvature import curved
from pure_mlp.losses.mass import Mass, by_rows, weighed
from pure_mlp.losses.reduction import Reduction, reduce, same_shape, scale

__all__ = ["mse", "squared_norm"]


def _mse_curvature(y: Tensor, y_hat: Tensor, v: Tensor, reduction: Reduction = "mean") -> Tensor:
    return 2 * scale("mse", y_hat, reduction) * v


def _squared_norm_curvature(y: Tensor, y_hat: Tensor, v: Tensor, reduction: Reduction = "sum") -> Tensor:
    return 2 * scale("squared_norm", y_hat[..., 0], "mean" if reduction == "batchmean" else reduction) * v


@curved(_mse_curvature)
def mse(y: Tensor, y_hat: Tensor, reduction: Reduction = "mean") -> tuple[Tensor, Tensor]:
    """J = c sum (y_hat - y)^2 and dJ/dy_hat = 2 c (y_hat - y), both of any one shape.

    Handout (5), (19) is the sum.

    Args:
        y: labels, of any shape.
        y_hat: predictions, of the shape and dtype of y.
        reduction: c is 1/numel for mean (as `torch.nn.functional.mse_loss`), 1/batch for batchmean, 1 for sum; none is elementwise,
            and its gradient that of the sum.

    Returns:
        J and dJ/dy_hat.

    Raises:
        ValueError: y and y_hat differ in shape or dtype.

    >>> import torch
    >>> mse(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]))
    (tensor(2.5000), tensor([1., 2.]))
    """
    same_shape("mse", y, y_hat)
    if reduction == "mean":
        return squared_error(y_hat, y).mean(), mse_backward(y_hat, y)
    c = scale("mse", y_hat, reduction)
    d = y_hat - y
    return reduce(d * d, c, reduction), (2 * c) * d


def _norms(y: Tensor, reduction: Reduction = "sum") -> Mass:
    """Of the norms, one a row."""
    return by_rows(y[..., 0], reduction)


@curved(_squared_norm_curvature)
@weighed(_norms)
def squared_norm(y: Tensor, y_hat: Tensor, reduction: Reduction = "sum") -> tuple[Tensor, Tensor]:
    """l_b = |y_hat_b - y_b|^2, the handout's loss of 1.2, one number an example; dl_b/dy_hat_b = 2 (y_hat_b - y_b), (5), (19).

    Args:
        y: labels (*, K).
        y_hat: predictions (*, K).
        reduction: over the examples: sum, mean (batchmean is the same), or none for the vector l.

    Returns:
        J and dJ/dy_hat.

    Raises:
        ValueError: y and y_hat differ in shape or dtype.

    >>> import torch
    >>> squared_norm(torch.zeros(2, 2), torch.ones(2, 2), "none")
    (tensor([2., 2.]), tensor([[2., 2.],
            [2., 2.]]))
    """
    same_shape("squared_norm", y, y_hat)
    d = y_hat - y
    norms = (d * d).sum(-1)
    over = "mean" if reduction == "batchmean" else reduction
    c = scale("squared_norm", norms, over)
    return reduce(norms, c, over), (2 * c) * d
