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


_COMPILED = (
    *(Goal("plan", "jax_jit", 0.55), Goal("plan", "numpy", 0.8)),
    *(Goal("native", "jax_jit", 0.35), Goal("native_fold", "lax_scan", 1.0)),
)

GOALS: dict[tuple[str, str, int], tuple[Goal, ...]] = {
    ("tiny", "sgd", 1): (
        *(Goal("pure", "eager", 0.19), Goal("plan", "eager", 0.085)),
        *(Goal("native", "eager", 0.05), Goal("native_fold", "eager", 0.02)),
        *_COMPILED,
    ),
    ("tiny2", "sgd", 1): (
        *(Goal("pure", "eager", 0.20), Goal("plan", "eager", 0.09)),
        *(Goal("native", "eager", 0.05), Goal("native_fold", "eager", 0.025)),
        *_COMPILED,
    ),
    ("small", "sgd", 1): (
        *(Goal("pure", "eager", 0.29), Goal("plan", "eager", 0.17)),
        *(Goal("plan", "jax_jit", 0.75), Goal("plan", "gemms", 1.4)),
    ),
    ("deepnarrow", "sgd", 1): (Goal("pure", "eager", 0.40), Goal("plan", "eager", 0.28), Goal("plan", "jax_jit", 0.90)),
    ("deepnarrow", "sgd", 2): (Goal("plan", "jax_jit", 0.65),),
    ("mnist", "sgd", 1): (
        *(Goal("pure", "eager", 0.87), Goal("plan", "eager", 0.75)),
        *(Goal("plan", "jax_jit", 0.97), Goal("plan", "lax_scan", 1.05), Goal("plan", "gemms", 0.97)),
    ),
    ("wide", "sgd", 1): (
        *(Goal("pure", "eager", 0.95), Goal("plan", "eager", 0.82)),
        *(Goal("plan", "jax_jit", 0.88), Goal("plan", "onednn", 1.03)),
    ),
    ("wide", "sgd", 2): (Goal("plan", "eager", 0.75),),
    ("deepwide", "sgd", 1): (Goal("pure", "eager", 0.95), Goal("plan", "eager", 0.78), Goal("plan", "jax_jit", 1.0)),
    ("tiny", "adam", 1): (
        *(Goal("pure", "eager", 0.45), Goal("plan", "eager", 0.11)),
        *(Goal("pure", "eager_fused", 1.0), Goal("plan", "eager_fused", 1.0)),
    ),
    ("mnist", "adam", 1): (
        *(Goal("pure", "eager", 1.0), Goal("plan", "eager", 0.78)),
        *(Goal("pure", "eager_fused", 1.0), Goal("plan", "eager_fused", 1.0)),
    ),
}
"""By shape, optimizer and threads."""

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
