"""The laws of a schedule, tried on the first updates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.func import vmap

from pure_mlp.check.laws import tried
from pure_mlp.check.purity import Unchanged, named
from pure_mlp.check.report import Report
from pure_mlp.check.trials import far
from pure_mlp.registry.rows import ScheduleRow
from pure_mlp.shapes import spec

__all__ = ["SCHEDULE_LAWS", "schedule_laws"]

RATE, STEPS = 0.05, 20
_T = torch.arange(STEPS, dtype=torch.float64)


def schedule_laws(row: ScheduleRow) -> Iterator[Report]:
    """The report of the schedule.

    >>> from pure_mlp.registry.schedules import SCHEDULE_ROWS
    >>> [str(report) for report in schedule_laws(SCHEDULE_ROWS["cosine"])]
    ['cosine: 5 of 5 laws hold']
    """
    yield tried(row.name, {law: partial(f, row) for law, f in SCHEDULE_LAWS.items()})


def _rates(row: ScheduleRow) -> Tensor:
    schedule = row.make(RATE)
    return torch.stack([schedule(_T[i]) for i in range(STEPS)])


def _structure(row: ScheduleRow) -> str:
    """A rate is a 0-dim float64 like t, and a number of at least 0."""
    rate = row.make(RATE)(_T[0])
    if spec(rate) != spec(_T[0]):
        return f"the rate is {spec(rate)}, expected {spec(_T[0])} as t"
    wrong = [f"{t}: {rate:g}" for t, rate in enumerate(_rates(row).tolist()) if not 0 <= rate < torch.inf]
    return f"rates by t are {', '.join(wrong)}; expected 0 or more" if wrong else ""


def _values(row: ScheduleRow) -> str:
    """The rates are those of the reference, where there is one."""
    if row.reference is None:
        return ""
    optimizer = torch.optim.SGD([torch.zeros(1)], RATE)
    scheduler, rates = row.reference(optimizer), []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return far("the rate", _rates(row), torch.tensor(rates, dtype=torch.float64), 1e-12)


def _pure(row: ScheduleRow) -> str:
    """t is not written to."""
    given = Unchanged(named(t=_T))
    _rates(row)
    return "it writes to t" if given.changed() else ""


def _deterministic(row: ScheduleRow) -> str:
    """The same bits every time."""
    return far("the rate, a second time,", _rates(row), _rates(row), 0.0)


def _vmap(row: ScheduleRow) -> str:
    """Under `torch.func.vmap` it gives the same: it reads no value of t into Python."""
    return far("the rate in vmap", vmap(row.make(RATE))(_T), _rates(row), 1e-12)


SCHEDULE_LAWS: dict[str, Callable[[ScheduleRow], str]] = {
    "structure": _structure,
    "values": _values,
    "pure": _pure,
    "deterministic": _deterministic,
    "vmap": _vmap,
}
"""By name, what is wrong with a schedule: "" where the law holds."""
