"""RMSprop."""

from __future__ import annotations

from pure_mlp.optim.foreach import add, addcmul_, div, mul, shift_, sqrt
from pure_mlp.optim.optimizer import Leaves, Optimizer, Schedule


def rmsprop(
    lr: float | Schedule = 1e-2, alpha: float = 0.99, eps: float = 1e-8, *, momentum: float = 0.0, weight_decay: float = 0.0
) -> Optimizer:
    """s <- alpha s + (1-alpha) g^2, d = g / (sqrt(s) + eps), b <- momentum b + d, p <- p - lr b (Tieleman and Hinton, 2012).

    As `torch.optim.RMSprop`, weight decay added to g. lr is in units of p, a number or a schedule. Remembers s, b if there is
    momentum, and a count if lr is a schedule. Raises `ValueError` for numbers out of range.

    >>> import torch
    >>> optimizer = rmsprop(0.1)
    >>> optimizer.update(torch.zeros(1), torch.ones(1), optimizer.init(torch.zeros(1)))[0]
    tensor([-1.0000])
    """
    if not (callable(lr) or lr >= 0) or not 0 <= alpha < 1 or min(eps, momentum, weight_decay) < 0:
        raise ValueError(f"rmsprop: lr {lr}, alpha {alpha}, eps {eps}, momentum {momentum}, weight_decay {weight_decay}")

    def rule(leaves: Leaves) -> Leaves:
        params, grads, counts, slots = leaves
        g = add(grads, params, alpha=weight_decay) if weight_decay else grads
        s = addcmul_(mul(slots[0], alpha), g, g, 1 - alpha)
        d = div(g, shift_(sqrt(s), eps))
        if momentum:
            d = add(d, slots[1], alpha=momentum)
        slots = [s, d] if momentum else [s]
        if not callable(lr):
            return Leaves(add(params, d, alpha=-lr), grads, counts, slots)
        return Leaves(add(params, mul(d, -lr(counts[0]))), grads, [counts[0] + 1], slots)

    return Optimizer(int(callable(lr)), 1 + int(momentum > 0), rule)
