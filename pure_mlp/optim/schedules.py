"""Learning rates as functions of the number t of updates made before, a 0-dim tensor; lr as a 0-dim tensor."""

from __future__ import annotations

from functools import partial
from math import pi

import torch
from torch import Tensor

from pure_mlp.optim.optimizer import Schedule
from pure_mlp.shapes import check_number, spec

__all__ = ["constant", "cosine", "step_decay", "warmup"]


def constant(rate: float) -> Schedule:
    """lr(t) = rate.

    Args:
        rate: the learning rate.

    Returns:
        The schedule.

    >>> constant(0.1)(torch.tensor(5.0, dtype=torch.float64)).item()
    0.1
    """
    check_number("constant", "rate", rate)
    return partial(_constant, rate)


def _constant(rate: float, t: Tensor) -> Tensor:
    return torch.full_like(t, rate)


def cosine(rate: float, steps: int, final: float = 0.0) -> Schedule:
    """lr(t) = final + (rate - final) (1 + cos(pi min(t / steps, 1))) / 2 (Loshchilov and Hutter, arXiv:1608.03983).

    Args:
        rate: the learning rate at the start.
        steps: after how many updates it is `final`, at least 1.
        final: the learning rate from then on.

    Returns:
        The schedule.

    Raises:
        ValueError: steps below 1, or what is no number or negative.

    >>> [round(cosine(1.0, 10)(torch.tensor(t)).item(), 3) for t in (0.0, 5.0, 10.0, 20.0)]
    [1.0, 0.5, 0.0, 0.0]
    """
    _check("cosine", steps=steps, rate=rate, final=final)
    return partial(_cosine, rate, steps, final)


def _cosine(rate: float, steps: int, final: float, t: Tensor) -> Tensor:
    return final + 0.5 * (rate - final) * (1 + torch.cos(pi * (t / steps).clamp(max=1)))


def _check(schedule: str, **numbers: float) -> None:
    """Raise `ValueError` unless the first one is at least 1, and all are numbers that are not negative."""
    for name, value in numbers.items():
        check_number(schedule, name, value)
    name, steps = next(iter(numbers.items()))
    if steps < 1:
        raise ValueError(f"{schedule}: {name} {steps}, expected at least 1")


def warmup(schedule: Schedule, steps: int) -> Schedule:
    """lr(t) = schedule(t) min((t + 1) / steps, 1): linear from schedule / steps at the first update (Goyal, arXiv:1706.02677).

    Args:
        schedule: the schedule to warm up to.
        steps: how many updates that takes, at least 1.

    Returns:
        The schedule.

    Raises:
        ValueError: steps below 1, or what is no schedule.

    >>> [round(warmup(constant(1.0), 4)(torch.tensor(t)).item(), 2) for t in (0.0, 1.0, 3.0, 9.0)]
    [0.25, 0.5, 1.0, 1.0]
    """
    _check("warmup", steps=steps)
    if not callable(schedule):
        raise ValueError(f"warmup: a schedule that is {spec(schedule)}, expected one such as constant(0.1)")
    return partial(_warmup, schedule, steps)


def _warmup(schedule: Schedule, steps: int, t: Tensor) -> Tensor:
    return schedule(t) * ((t + 1) / steps).clamp(max=1)


def step_decay(rate: float, every: int, factor: float = 0.1) -> Schedule:
    """lr(t) = rate factor^floor(t / every), as `torch.optim.lr_scheduler.StepLR`.

    Args:
        rate: the learning rate at the start.
        every: after how many updates it falls, at least 1.
        factor: by what it is multiplied then.

    Returns:
        The schedule.

    Raises:
        ValueError: every below 1, or what is no number or negative.

    >>> [round(step_decay(1.0, 10)(torch.tensor(t)).item(), 3) for t in (0.0, 9.0, 10.0, 20.0)]
    [1.0, 1.0, 0.1, 0.01]
    """
    _check("step_decay", every=every, rate=rate, factor=factor)
    return partial(_step_decay, rate, every, factor)


def _step_decay(rate: float, every: int, factor: float, t: Tensor) -> Tensor:
    return rate * factor ** (t / every).floor()
