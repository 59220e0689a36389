"""`python -m tests.benchmarks.growth`: how the time of a step grows with depth and batch, and that of planning with depth."""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Sequence
from contextlib import ExitStack

from .goals import verdict
from .task import Task
from .timing import Entry, interleave
from .workers import Unavailable, workers

PEERS = ("eager", "pure", "plan", "native")
PLANNING = 0.5
"""Seconds in which 64 layers are to be planned."""


def exponent(sizes: Sequence[int], times: Sequence[float]) -> float:
    """p of the best fit of times = c sizes^p.

    >>> round(exponent((1, 2, 4), (3.0, 12.0, 48.0)), 6)
    2.0
    """
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(t) for t in times]).slope


def grow(title: str, tasks: dict[int, Task], rounds: int, seconds: float) -> None:
    """Print the microseconds of each peer by size, and the exponents: of all sizes, and of the last doubling."""
    with ExitStack() as stack:
        entries: dict[tuple[str, int], Entry] = {}
        for size, task in tasks.items():
            for name, worker in stack.enter_context(workers(task, PEERS)).items():
                try:
                    entries[name, size] = Entry(worker, name, worker.start(name)["steps"])
                except Unavailable as error:
                    print(f"{name} of {size} left out: {error}")
        times = {key: statistics.median(found) for key, found in interleave(entries, rounds, seconds).items()}
    print(f"\n{title}\n  {'us':6} {''.join(f'{size:>10}' for size in tasks)}   exponent, of the last two")
    for name in PEERS:
        sizes = [size for size in tasks if (name, size) in times]
        mine = [times[name, size] for size in sizes]
        if len(sizes) > 1:
            fits = exponent(sizes, mine), exponent(sizes[-2:], mine[-2:])
            print(f"  {name:6} {''.join(f'{1e6 * t:10.0f}' for t in mine)}   {fits[0]:.2f}, {fits[1]:.2f}", flush=True)


def planning(tasks: dict[int, Task]) -> None:
    """Print how long the first plan in a process takes, and the second, each with its first step."""
    print("\nplanning and first step, s: first plan of a process, the next one")
    for depth, task in tasks.items():
        with workers(task, ["plan"]) as found:
            first, later = (found["plan"].start("plan")["seconds"] for _ in range(2))
        goal = f"   goal < {PLANNING}: {verdict(first, PLANNING)}, later: {verdict(later, PLANNING)}" if depth == max(tasks) else ""
        print(f"  {depth:3} layers {first:8.3f} {later:8.3f}{goal}", flush=True)


def main() -> None:
    """Depths at width and batch 64; batches at six layers of 512, where products are nearly all; planning."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth", description="How times grow.")
    parser.add_argument("--quick", action="store_true", help="three short rounds: to see that it works")
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2))
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    rounds, seconds = (3, 0.002) if args.quick else (args.rounds, 0.02)
    depths = {n: Task(64, (64,) * (n + 1), "mse", "sgd", args.threads, "") for n in (8, 16, 32, 64)}
    batches = {n: Task(n, (512,) * 7, "mse", "sgd", args.threads, "") for n in (128, 256, 512, 1024)}
    grow("layers of 64, batch 64", depths, rounds, seconds)
    grow("batch, six layers of 512", batches, rounds, seconds)
    planning(depths)


if __name__ == "__main__":
    main()
