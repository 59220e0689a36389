"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from pure_mlp.optim.foreach import add, mul
from pure_mlp.optim.optimizer import Leaves, Optimizer, Schedule


def sgd(lr: float | Schedule, momentum: float = 0.0, *, nesterov: bool = False, weight_decay: float = 0.0) -> Optimizer:
    """p <- p - lr d, with g' = g + weight_decay p, v <- momentum v + g', and d = v, or g' + momentum v for Nesterov.

    As `torch.optim.SGD` without dampening (Sutskever et al., 2013). lr is the step in units of p per unit of gradient, a number or
    a schedule. Remembers v if there is momentum, and a count if lr is a schedule. Raises `ValueError` for a negative number, and
    for Nesterov without momentum.

    >>> import torch
    >>> sgd(0.5, momentum=0.9).init(torch.ones(2)).slots
    (tensor([0., 0.]),)
    """
    if not (callable(lr) or lr >= 0) or momentum < 0 or weight_decay < 0 or (nesterov and not momentum):
        raise ValueError(f"sgd: lr {lr}, momentum {momentum}, weight_decay {weight_decay}, nesterov {nesterov}")

    def rule(leaves: Leaves) -> Leaves:
        params, grads, counts, slots = leaves
        g = add(grads, params, alpha=weight_decay) if weight_decay else grads
        if momentum:
            v = add(g, slots[0], alpha=momentum)
            slots = [v]
            g = add(g, v, alpha=momentum) if nesterov else v
        if not callable(lr):
            return Leaves(add(params, g, alpha=-lr), grads, counts, slots)
        return Leaves(add(params, mul(g, -lr(counts[0]))), grads, [counts[0] + 1], slots)

    return Optimizer(int(callable(lr)), int(momentum > 0), rule)
