"""Times that can be compared: interleaved rounds in random order, ratios within a round, medians and quartiles over rounds."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import NamedTuple, TypeVar

from .workers import Worker

K = TypeVar("K")


class Entry(NamedTuple):
    """Who is timed: a peer that its worker has started, and the steps of a call."""

    worker: Worker
    peer: str
    steps: int

    def time(self, calls: int) -> float:
        """Seconds a step."""
        return float(self.worker.ask("time", self.peer, calls)["seconds"]) / self.steps


class Ratio(NamedTuple):
    """Median and quartiles over the rounds."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f} {self.high:.3f}]"


def interleave(entries: Mapping[K, Entry], rounds: int, seconds: float) -> dict[K, list[float]]:
    """The seconds a step of everybody in every round, each block about `seconds` long; one works, all others wait."""
    order = random.Random(0)
    calls = {key: _calls(entry, seconds) for key, entry in entries.items()}
    idle, begin = {entry.worker: entry.worker.idle for entry in entries.values()}, perf_counter()
    times: dict[K, list[float]] = {key: [] for key in entries}
    for _ in range(rounds):
        for key in order.sample([*entries], len(entries)):
            times[key].append(entries[key].time(calls[key]))
    for worker, before in idle.items():
        if (share := (worker.idle - before) / (perf_counter() - begin)) > 0.01:
            print(f"beware: {worker.runtime} took {share:.0%} of a core while others were timed")
    return times


def _calls(entry: Entry, seconds: float) -> int:
    """How many calls take so long: as first estimated, then as they are once warm."""
    calls = 2
    for _ in range(2):
        calls = max(1, round(seconds / entry.steps / entry.time(calls)))
    return calls


def ratio(mine: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """How the times of one peer relate to those of another in the same rounds."""
    low, median, high = statistics.quantiles([a / b for a, b in zip(mine, theirs, strict=True)], n=4, method="inclusive")
    return Ratio(median, low, high)
