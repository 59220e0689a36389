"""Binary cross-entropy of probabilities, with torch's clamps."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.losses.curvature import curved
from pure_mlp.losses.reduction import Reduction, divisor, reduce, same_shape, scale

__all__ = ["SMALLEST", "bce"]

SMALLEST = torch.tensor(1e-12, dtype=torch.float32).item()


def _curvature(y: Tensor, y_hat: Tensor, v: Tensor, reduction: Reduction = "mean") -> Tensor:
    """v c (y / y_hat^2 + (1 - y) / (1 - y_hat)^2); where the denominator of the gradient is clamped, v c / 1e-12."""
    other = 1 - y_hat
    least = _least(y_hat)
    slope = torch.where(other * y_hat > least, y / y_hat / y_hat + (1 - y) / other / other, 1 / least)
    return scale("bce", y_hat, reduction) * slope * v


@curved(_curvature)
def bce(y: Tensor, y_hat: Tensor, reduction: Reduction = "mean") -> tuple[Tensor, Tensor]:
    """J = -c sum y log y_hat + (1 - y) log(1 - y_hat), and dJ/dy_hat = c (y_hat - y) / (y_hat (1 - y_hat)); handout (24).

    Conventions of `torch.nn.functional.binary_cross_entropy`: each log is clamped at -100 from below and the denominator at 1e-12,
    rounded to float32 (in float16, where that is 0, at 6.1e-5), so that both are finite at y_hat of 0 and 1; the gradient is
    (y_hat - y) / clamped / count, in this order, which at saturation shows. There the gradient through a sigmoid vanishes: that of
    `bce_with_logits` does not.

    Args:
        y: labels in [0, 1], of any shape.
        y_hat: probabilities, of the shape and dtype of y.
        reduction: c is 1/numel for mean, 1/batch for batchmean, 1 for sum; none is elementwise, and its gradient that of the sum.

    Returns:
        J and dJ/dy_hat.

    Raises:
        ValueError: y and y_hat differ in shape or dtype, or one of them leaves [0, 1].

    >>> bce(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 1.0]))
    (tensor(50.3466), tensor([-1.0000e+00,  5.0000e+11]))
    """
    same_shape("bce", y, y_hat)
    c, count = scale("bce", y_hat, reduction), divisor("bce", y_hat, reduction)
    try:
        elements = torch.nn.functional.binary_cross_entropy(y_hat, y, reduction="none")
    except RuntimeError as error:
        for name, p in (("y_hat", y_hat), ("y", y)):
            if not (p.min() >= 0 and p.max() <= 1):  # or NaN
                raise ValueError(f"bce: {name} from {p.min():.6g} to {p.max():.6g}, expected probabilities in [0, 1]") from error
        raise
    dy_hat = (y_hat - y) / ((1 - y_hat) * y_hat).clamp(min=_least(y_hat)) / count
    return reduce(elements, c, reduction), dy_hat


def _least(y_hat: Tensor) -> float:
    """Where the denominator is clamped: in float16, in which 1e-12 is 0, at the smallest normal number."""
    return max(SMALLEST, torch.finfo(y_hat.dtype).tiny) if y_hat.dtype.is_floating_point else SMALLEST
