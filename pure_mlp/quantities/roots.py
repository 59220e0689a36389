"""Square roots of the second derivatives of a loss."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from pure_mlp.losses.curvature import curvature
from pure_mlp.optim.widths import widened
from pure_mlp.signatures import Loss

__all__ = ["loss_roots"]


def loss_roots(loss: Loss, y: Tensor, y_hat: Tensor) -> Tensor:
    """R (K, *y_hat.shape) with sum_k R_kb R_kb^T = H_b = d^2 J / dy_hat_b^2 for every example b, K the numbers of one y_hat_b.

    Sent down by `bwd` in the place of dJ/dy_hat, they give the generalised Gauss-Newton matrix J^T H J as a sum of squares
    (BackPACK, arXiv:1912.10985). H_b is formed by K products, and its root is that of its eigenvalues; negative ones, which a loss
    that is convex in y_hat has by rounding alone, count as 0.

    Raises `ValueError` where the loss does not say its second derivatives, `RuntimeError` where they are not finite.

    >>> from pure_mlp import squared_norm
    >>> loss_roots(squared_norm, torch.zeros(1, 2), torch.ones(1, 2)).abs()
    tensor([[[1.4142, 0.0000]],
            [[0.0000, 1.4142]]])
    """
    k = prod(y_hat.shape[1:])
    units = torch.eye(k, dtype=y_hat.dtype, device=y_hat.device).view(k, 1, *y_hat.shape[1:])
    (H,) = widened([torch.stack([curvature(loss, y, y_hat, unit.expand_as(y_hat)).flatten(1) for unit in units])])
    values, vectors = torch.linalg.eigh(H.transpose(0, 1))
    roots: Tensor = vectors * values.clamp(min=0.0).sqrt().unsqueeze(1)
    return roots.transpose(1, 2).transpose(0, 1).reshape(k, *y_hat.shape).to(y_hat.dtype)
