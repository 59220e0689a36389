"""Binary cross-entropy from logits: sigmoid and loss as one function, exact at saturation."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.losses.curvature import curved
from pure_mlp.losses.reduction import Reduction, reduce, same_shape, scale

__all__ = ["bce_with_logits"]


def _curvature(y: Tensor, z: Tensor, v: Tensor, reduction: Reduction = "mean") -> Tensor:
    s = torch.sigmoid(z)
    return scale("bce_with_logits", z, reduction) * s * (1 - s) * v


@curved(_curvature)
def bce_with_logits(y: Tensor, z: Tensor, reduction: Reduction = "mean") -> tuple[Tensor, Tensor]:
    """J = c sum (1 - y) z - log sigmoid(z), which is BCE of sigmoid(z), and dJ/dz = c (sigmoid(z) - y); handout (26).

    Nothing saturates: for y = 0 and z = 110 the loss is 110 and the gradient 1, where `bce` after `sigmoid` gives 100 and 0. It is
    computed as ([z > 0] - y) z - log sigmoid |z|: an infinite logit on the side of its label costs nothing, on the other inf.

    Args:
        y: labels in [0, 1], of any shape.
        z: logits, of the shape and dtype of y.
        reduction: c is 1/numel for mean, 1/batch for batchmean, 1 for sum; none is elementwise, and its gradient that of the sum.

    Returns:
        J and dJ/dz.

    Raises:
        ValueError: y and z differ in shape or dtype.

    >>> bce_with_logits(torch.tensor([0.0]), torch.tensor([110.0]))
    (tensor(110.), tensor([1.]))
    """
    same_shape("bce_with_logits", y, z)
    c = scale("bce_with_logits", z, reduction)
    wrong = torch.where(z > 0, 1 - y, -y)
    elements = torch.where(wrong == 0, 0.0, wrong * z) - torch.nn.functional.logsigmoid(z.abs())
    return reduce(elements, c, reduction), c * (torch.sigmoid(z) - y)
