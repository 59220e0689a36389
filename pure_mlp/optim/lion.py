"""Lion, which steps by signs (Chen et al., arXiv:2302.06675)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from pure_mlp.optim.foreach import add, lerp, mul
from pure_mlp.optim.optimizer import Leaves, Optimizer, Schedule, check_numbers, is_number
from pure_mlp.optim.widths import narrowed, widened

__all__ = ["lion", "signs"]


def lion(lr: float | Schedule = 1e-4, b1: float = 0.9, b2: float = 0.99, *, weight_decay: float = 0.0) -> Optimizer:
    """c = b1 m + (1-b1) g, p <- (1 - lr weight_decay) p - lr sign(c), m <- b2 m + (1-b2) g.

    Algorithm 2 of the paper. sign(0) = 0; where c is NaN, p becomes NaN. Remembers m, and a count if lr is a schedule. For params
    in half precision everything is computed and remembered in float32.

    Args:
        lr: the step of every component in units of p, a number or a schedule; about a tenth of that of `adam`.
        b1: how much of m is in c, in [0, 1).
        b2: how much of m is kept, in [0, 1).
        weight_decay: the share of p that a step of lr 1 takes away, at least 0.

    Returns:
        The optimizer.

    Raises:
        ValueError: a number is out of range.

    >>> optimizer = lion(0.1)
    >>> optimizer.update(torch.zeros(2), torch.tensor([3.0, -0.01]), optimizer.init(torch.zeros(2)))[0]
    tensor([-0.1000,  0.1000])
    """
    check_numbers("lion", lr, b1=b1, b2=b2, weight_decay=weight_decay)
    return Optimizer(int(not is_number(lr)), 1, partial(_rule, lr, b1, b2, weight_decay), wide=(0,))


def _rule(lr: float | Schedule, b1: float, b2: float, weight_decay: float, leaves: Leaves) -> Leaves:
    params, grads, counts, (m,) = leaves
    rate = lr if is_number(lr) else lr(counts[0])
    p, g = widened(params), widened(grads)
    step = [signs(c) for c in lerp(m, g, 1 - b1)]
    p = mul(p, 1 - rate * weight_decay) if weight_decay else p
    p = add(p, step, alpha=-rate) if isinstance(rate, (int, float)) else add(p, mul(step, -rate))
    return Leaves(narrowed(p, params), grads, [t + 1 for t in counts], [lerp(m, g, 1 - b2)])


def signs(c: Tensor) -> Tensor:
    """-1, 0 or 1, and NaN at NaN, where torch.sign is 0.

    >>> signs(torch.tensor([-2.0, 0.0, torch.nan]))
    tensor([-1.,  0., nan])
    """
    return torch.where(c > 0, 1.0, torch.where(c < 0, -1.0, c))
