"""Times that can be compared: interleaved rounds in random order, ratios within a round, medians and quartiles over rounds."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch.profiler import ProfilerActivity, profile

from .peers import Batch, Peer


class Ratio(NamedTuple):
    """Median and quartiles of the ratios to the first peer, its own microseconds as a hint."""

    median: float
    low: float
    high: float
    microseconds: float


def ratios(peers: dict[str, Peer], batches: Sequence[Batch], rounds: int, seconds: float) -> dict[str, Ratio]:
    """Each peer's time over that of the first, each block long enough to take about `seconds`, a fresh batch every step."""
    steps = {name: max(1, round(seconds / _time(peer.step, batches, 3))) for name, peer in peers.items()}
    first, times = next(iter(peers)), {name: [0.0] * rounds for name in peers}
    for i in range(rounds):
        for name in random.sample([*peers], len(peers)):
            times[name][i] = _time(peers[name].step, batches, steps[name])
    found = {}
    for name, mine in times.items():
        relative = [a / b for a, b in zip(mine, times[first])]
        low, median, high = statistics.quantiles(relative, n=4)
        found[name] = Ratio(median, low, high, 1e6 * statistics.median(mine))
    return found


def _time(step: Callable[[Batch], object], batches: Sequence[Batch], steps: int) -> float:
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    for i in range(steps):
        step(batches[i % len(batches)])
    end = time.perf_counter()
    gc.enable()
    return (end - start) / steps


def check(peers: dict[str, Peer], batches: Sequence[Batch], rtol: float = 2e-3, atol: float = 2e-4) -> None:
    """Raise `AssertionError` unless everybody has the parameters of the first after three steps."""
    for name, peer in peers.items():
        for batch in batches[:3]:
            peer.step(batch)
        expected = next(iter(peers.values())).params
        if peer.params and expected:
            for mine, theirs in zip(peer.params(), expected(), strict=True):
                if not torch.allclose(mine.detach(), theirs.detach(), rtol=rtol, atol=atol):
                    raise AssertionError(f"{name}: other parameters than eager, by {(mine - theirs).abs().max().item()}")


def memory(step: Callable[[Batch], object], batch: Batch) -> tuple[int, int]:
    """Peak above the start and sum of the allocations of one step, in bytes, by the profiler."""
    step(batch)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as prof:
        step(batch)
    now = peak = total = 0
    for event in prof.profiler.kineto_results.events():
        change = event.nbytes() if event.name() == "[memory]" else 0
        now, total = now + change, total + max(change, 0)
        peak = max(peak, now)
    return peak, total
