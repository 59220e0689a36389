"""RMSprop."""

from __future__ import annotations

from functools import partial

from pure_mlp.optim.foreach import add, addcmul_, div, mul, shift_, sqrt
from pure_mlp.optim.optimizer import Leaves, Optimizer, Schedule, check_numbers, is_number
from pure_mlp.optim.widths import narrowed, shown, widened

__all__ = ["rmsprop"]


def rmsprop(
    lr: float | Schedule = 1e-2, alpha: float = 0.99, eps: float = 1e-8, *, momentum: float = 0.0, weight_decay: float = 0.0
) -> Optimizer:
    """s <- alpha s + (1-alpha) g^2, d = g / (sqrt(s) + eps), b <- momentum b + d, p <- p - lr b (Tieleman and Hinton, 2012).

    As `torch.optim.RMSprop`, weight decay added to g. Remembers s, b if there is momentum, and a count if lr is a schedule. For
    params in half precision everything is computed and remembered in float32, since g^2 and eps would be 0 there.

    Args:
        lr: the step in units of p, a number or a schedule.
        alpha: how much of s is kept, in [0, 1).
        eps: added to the root of s; a positive one never rounds to 0.
        momentum: how much of b is kept, at least 0.
        weight_decay: added to g as its multiple of p, at least 0.

    Returns:
        The optimizer.

    Raises:
        ValueError: a number is out of range.

    >>> import torch
    >>> optimizer = rmsprop(0.1)
    >>> optimizer.update(torch.zeros(1), torch.ones(1), optimizer.init(torch.zeros(1)))[0]
    tensor([-1.0000])
    """
    check_numbers("rmsprop", lr, alpha=alpha, eps=eps, momentum=momentum, weight_decay=weight_decay)
    slots = 1 + int(momentum > 0)
    return Optimizer(int(not is_number(lr)), slots, partial(_rule, lr, alpha, eps, momentum, weight_decay), wide=(*range(slots),))


def _rule(lr: float | Schedule, alpha: float, eps: float, momentum: float, weight_decay: float, leaves: Leaves) -> Leaves:
    params, grads, counts, slots = leaves
    p, g = widened(params), widened(grads)
    g = add(g, p, alpha=weight_decay) if weight_decay else g
    s = addcmul_(mul(slots[0], alpha), g, g, 1 - alpha)
    d = div(g, shift_(sqrt(s), shown(eps, s)))
    if momentum:
        d = add(d, slots[1], alpha=momentum)
    slots = [s, d] if momentum else [s]
    if is_number(lr):
        return Leaves(narrowed(add(p, d, alpha=-lr), params), grads, counts, slots)
    return Leaves(narrowed(add(p, mul(d, -lr(counts[0]))), params), grads, [counts[0] + 1], slots)
