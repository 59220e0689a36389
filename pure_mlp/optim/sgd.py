"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from functools import partial

from pure_mlp.optim.foreach import add, mul
from pure_mlp.optim.optimizer import Leaves, Optimizer, Schedule, check_numbers, is_number

__all__ = ["sgd"]


def sgd(lr: float | Schedule, momentum: float = 0.0, *, nesterov: bool = False, weight_decay: float = 0.0) -> Optimizer:
    """p <- p - lr d, with g' = g + weight_decay p, v <- momentum v + g', and d = v, or g' + momentum v for Nesterov.

    As `torch.optim.SGD` without dampening (Sutskever et al., 2013). Remembers v if there is momentum, and a count if lr is a
    schedule.

    Args:
        lr: the step in units of p per unit of gradient, a number or a schedule.
        momentum: how much of v is kept, at least 0.
        nesterov: whether to look ahead by the momentum.
        weight_decay: added to g as its multiple of p, at least 0.

    Returns:
        The optimizer.

    Raises:
        ValueError: a negative number, or Nesterov without momentum.

    >>> import torch
    >>> sgd(0.5, momentum=0.9).init(torch.ones(2)).slots
    (tensor([0., 0.]),)
    """
    check_numbers("sgd", lr, momentum=momentum, weight_decay=weight_decay)
    if nesterov and not momentum:
        raise ValueError(f"sgd: lr {lr}, momentum {momentum}, nesterov {nesterov}: there is no momentum to look ahead by")
    return Optimizer(int(not is_number(lr)), int(momentum > 0), partial(_rule, lr, momentum, nesterov, weight_decay))


def _rule(lr: float | Schedule, momentum: float, nesterov: bool, weight_decay: float, leaves: Leaves) -> Leaves:
    params, grads, counts, slots = leaves
    g = add(grads, params, alpha=weight_decay) if weight_decay else grads
    if momentum:
        v = add(g, slots[0], alpha=momentum)
        slots = [v]
        g = add(g, v, alpha=momentum) if nesterov else v
    if is_number(lr):
        return Leaves(add(params, g, alpha=-lr), grads, counts, slots)
    return Leaves(add(params, mul(g, -lr(counts[0]))), grads, [counts[0] + 1], slots)
