"""Times of functions in this process, for what needs no other runtime: one after another in turn."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from time import perf_counter

from .timing import Ratio, ratio


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes, without garbage collection."""
    gc.collect()
    gc.disable()
    begin = perf_counter()
    call()
    taken = perf_counter() - begin
    gc.enable()
    return taken


def against(base: str, calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Ratio]:
    """Each call's time over that of `base` in the same round."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(seconds(call))
    return {name: ratio(mine, times[base]) for name, mine in times.items()}
