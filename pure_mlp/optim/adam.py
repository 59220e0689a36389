"""Adam and AdamW."""

from __future__ import annotations

import math
from functools import partial

import torch

from pure_mlp.optim.foreach import add, addcdiv, addcmul_, div, lerp, mul, mul_, shift_, sqrt
from pure_mlp.optim.optimizer import Leaves, Optimizer, Schedule, check_numbers, is_number
from pure_mlp.optim.widths import narrowed, shown, widened

__all__ = ["adam", "adamw"]


def adam(
    lr: float | Schedule = 1e-3, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, *, weight_decay: float = 0.0
) -> Optimizer:
    """m <- b1 m + (1-b1) g, v <- b2 v + (1-b2) g^2, p <- p - lr m^ / (sqrt(v^) + eps), m^ = m / (1-b1^t), v^ = v / (1-b2^t).

    Kingma and Ba, arXiv:1412.6980; as `torch.optim.Adam`: weight decay is added to g. Remembers the count t of updates and the
    slots m, v. For params in half precision everything is computed and remembered in float32, since g^2 and eps would be 0 there.

    Args:
        lr: the step in units of p, a number or a schedule.
        b1: how much of m is kept, in [0, 1).
        b2: how much of v is kept, in [0, 1).
        eps: added to the root of v; a positive one never rounds to 0.
        weight_decay: added to g as its multiple of p, at least 0.

    Returns:
        The optimizer.

    Raises:
        ValueError: a number is out of range.

    >>> import torch
    >>> optimizer = adam(0.1)
    >>> optimizer.update(torch.zeros(1), torch.ones(1), optimizer.init(torch.zeros(1)))[0]
    tensor([-0.1000])
    """
    return _adam("adam", lr, b1, b2, eps, weight_decay, decoupled=False)


def adamw(
    lr: float | Schedule = 1e-3, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, *, weight_decay: float = 1e-2
) -> Optimizer:
    """`adam` after p <- p - lr weight_decay p: the decay is not rescaled by the moments (Loshchilov and Hutter, arXiv:1711.05101).

    As `torch.optim.AdamW`; half precision as in `adam`.

    Args:
        lr: the step in units of p, a number or a schedule.
        b1: how much of m is kept, in [0, 1).
        b2: how much of v is kept, in [0, 1).
        eps: added to the root of v; a positive one never rounds to 0.
        weight_decay: the share of p that a step of lr 1 takes away, at least 0.

    Returns:
        The optimizer.

    Raises:
        ValueError: a number is out of range.

    >>> import torch
    >>> optimizer = adamw(0.1, weight_decay=0.5)
    >>> optimizer.update(torch.ones(1), torch.zeros(1), optimizer.init(torch.ones(1)))[0]
    tensor([0.9500])
    """
    return _adam("adamw", lr, b1, b2, eps, weight_decay, decoupled=True)


def _adam(name: str, lr: float | Schedule, b1: float, b2: float, eps: float, weight_decay: float, *, decoupled: bool) -> Optimizer:
    check_numbers(name, lr, b1=b1, b2=b2, eps=eps, weight_decay=weight_decay)
    return Optimizer(1, 2, partial(_rule, lr, b1, b2, eps, weight_decay, decoupled), wide=(0, 1))


def _rule(lr: float | Schedule, b1: float, b2: float, eps: float, weight_decay: float, decoupled: bool, leaves: Leaves) -> Leaves:
    params, grads, (count,), (m, v) = leaves
    rate, t = lr if is_number(lr) else lr(count), count + 1
    p, g = widened(params), widened(grads)
    g = add(g, p, alpha=weight_decay) if weight_decay and not decoupled else g
    p = mul(p, 1 - rate * weight_decay) if weight_decay and decoupled else p

    m, v = lerp(m, g, 1 - b1), addcmul_(mul(v, b2), g, g, 1 - b2)
    minus_c1, minus_c2 = torch.expm1(t * _log(b1)), torch.expm1(t * _log(b2))  # b^t - 1
    root = torch.sqrt(-minus_c2)
    d = mul_(shift_(sqrt(v), shown(eps, v, math.sqrt(1 - b2)) * root), minus_c1 / root)
    step = addcdiv(p, m, d, rate) if isinstance(rate, (int, float)) else add(p, mul_(div(m, d), rate))
    return Leaves(narrowed(step, params), grads, [t], [m, v])


def _log(b: float) -> float:
    return math.log(b) if b else -math.inf
