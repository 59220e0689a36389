"""Binary cross-entropy of probabilities, with torch's clamps."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.losses.reduction import Reduction, reduce, same_shape, scale

SMALLEST = torch.tensor(1e-12, dtype=torch.float32).item()


def bce(y: Tensor, y_hat: Tensor, reduction: Reduction = "mean") -> tuple[Tensor, Tensor]:
    """J = -c sum y log y_hat + (1 - y) log(1 - y_hat), and dJ/dy_hat = c (y_hat - y) / (y_hat (1 - y_hat)); handout (24).

    y and y_hat of any one shape, y_hat in [0, 1]. Conventions of `torch.nn.functional.binary_cross_entropy`: each log is clamped
    at -100 from below and the denominator at 1e-12, rounded to float32, so that both are finite at y_hat of 0 and 1. There the
    gradient through a saturated sigmoid vanishes: `bce_with_logits` does not. c is 1/numel for mean, 1/batch for batchmean, 1 for
    sum; none is elementwise. Raises `ValueError` where y and y_hat differ in shape or dtype, or where y_hat leaves [0, 1].

    >>> bce(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 1.0]))
    (tensor(50.3466), tensor([-1.0000e+00,  5.0000e+11]))
    """
    same_shape("bce", y, y_hat)
    c = scale("bce", y_hat, reduction)
    try:
        elements = torch.nn.functional.binary_cross_entropy(y_hat, y, reduction="none")
    except RuntimeError as error:
        raise ValueError(f"bce: y_hat from {y_hat.min():.6g} to {y_hat.max():.6g}, expected probabilities in [0, 1]") from error
    return reduce(elements, c, reduction), c * (y_hat - y) / ((1 - y_hat) * y_hat).clamp(min=SMALLEST)
