"""What the steps are to reach, as ratios of times in the same run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .timing import ratio


class Goal(NamedTuple):
    """The time of a peer over that of another is at most the limit."""

    peer: str
    over: str
    limit: float


SLACK = 1.1
"""Over what was measured once, on two cores with AVX2 only, one thread, MSE and SGD."""

MEASURED = {
    "tiny": {"plan": 0.065, "native": 0.007, "native_fold": 0.009},
    "small": {"plan": 0.16, "native": 0.089, "native_fold": 0.089},
    "deepnarrow": {"plan": 0.21, "native": 0.156, "native_fold": 0.156},
    "mnist": {"plan": 0.71, "native": 0.68, "native_fold": 0.56},
}
"""Over eager."""

SCAN = {"tiny": 0.4, "tiny2": 0.4, "small": 0.7, "deepnarrow": 0.7, "mnist": 0.85}
"""The native fold over `lax.scan`, whatever optimizer, loss and threads."""

LARGE = ("mnist", "wide", "deepwide")
"""Shapes whose time is in the products: native is to be ahead of the best of numpy, jax.jit and the bare products."""


def goals(shape: str, optimizer: str, loss: str, threads: int) -> tuple[Goal, ...]:
    """All that hold for this row of the table."""
    found = [Goal("plan", "pure", 1.0), Goal("plan", "jax_jit", 1.0)]
    if shape in SCAN:
        found.append(Goal("native_fold", "lax_scan", SCAN[shape]))
    if shape in LARGE:
        found += [Goal("native", peer, 0.95) for peer in ("numpy", "jax_jit", "gemms")]
    if (optimizer, loss, threads) == ("sgd", "mse", 1):
        found += [Goal(peer, "eager", round(SLACK * value, 4)) for peer, value in MEASURED.get(shape, {}).items()]
    return tuple(found)


NOISE = 0.1
"""A tenth above the limit may be noise in times."""


def verdict(value: float, limit: float, noise: float = NOISE) -> str:
    """Reached, or by how much not.

    >>> verdict(0.18, 0.19), verdict(0.20, 0.19), verdict(0.38, 0.19)
    ('reached', 'missed by 5 %, which may be noise', 'missed by 100 %')
    """
    if value <= limit:
        return "reached"
    excess = value / limit - 1
    return f"missed by {100 * excess:.0f} %" + (", which may be noise" if excess <= noise else "")


def verdicts(goals: Sequence[Goal], times: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """A line for each goal."""
    for peer, over, limit in goals:
        text = "not measured"
        if peer in times and over in times:
            got = ratio(times[peer], times[over])
            text = f"{got}: {verdict(got.median, limit)}"
        yield f"{peer} / {over} <= {limit}: {text}"
