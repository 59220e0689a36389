"""Clipping of gradients, to be chained before an optimizer."""

from __future__ import annotations

import torch

from pure_mlp.optim.foreach import mul
from pure_mlp.optim.optimizer import Leaves, Optimizer


def clip_by_value(limit: float) -> Optimizer:
    """g <- min(max(g, -limit), limit), elementwise; NaN stays NaN. Raises `ValueError` for a negative limit.

    >>> clip_by_value(1.0).rule(Leaves([], [torch.tensor([3.0, -0.5])], [], [])).grads
    [tensor([ 1.0000, -0.5000])]
    """
    if not limit >= 0:
        raise ValueError(f"clip_by_value: limit {limit}, expected >= 0")
    return Optimizer(0, 0, lambda leaves: leaves._replace(grads=[g.clamp(-limit, limit) for g in leaves.grads]))


def clip_by_global_norm(limit: float) -> Optimizer:
    """g <- g min(1, limit / n), n the Euclidean norm of all gradients together (Pascanu et al., arXiv:1211.5063).

    Where n = 0 the gradients stay 0; where n is NaN they become NaN. Raises `ValueError` for a negative limit.

    >>> clip_by_global_norm(1.0).rule(Leaves([], [torch.tensor([3.0]), torch.tensor([4.0])], [], [])).grads
    [tensor([0.6000]), tensor([0.8000])]
    """
    if not limit >= 0:
        raise ValueError(f"clip_by_global_norm: limit {limit}, expected >= 0")

    def rule(leaves: Leaves) -> Leaves:
        if not leaves.grads:
            return leaves
        norm = torch.stack([g.square().sum() for g in leaves.grads]).sum().sqrt()
        return leaves._replace(grads=mul(leaves.grads, torch.where(norm <= limit, 1.0, limit / norm)))

    return Optimizer(0, 0, rule)
