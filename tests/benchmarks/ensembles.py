"""`python -m tests.benchmarks.ensembles`: many small nets stacked, against as many plans and against `jax.vmap`."""

from __future__ import annotations

import argparse
from statistics import median

from .goals import Goal, verdicts
from .machine import described
from .measure import compare
from .shapes import SHAPES
from .task import Task

PEERS = ("separate", "stacked_plan", "stacked_native", "jax_vmap")
GOALS = {64: 1 / 5, 1000: 1 / 20}
"""Nets, and the time of the stack over that of the separate plans at most."""


def main() -> None:
    """64 nets of 13-50-1, then 1,000."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ensembles", description=__doc__)
    parser.add_argument("--nets", type=int, nargs="+", default=[*GOALS])
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2))
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    print(described())
    for nets in args.nets:
        task = Task(*SHAPES["tiny2"], "mse", "sgd", args.threads, "", nets)
        result = compare(task, PEERS, args.rounds, 0.02)
        print(f"\n{nets} nets of 13-50-1, batch 32, {args.threads} thread(s)")
        for name, times in result.times.items():
            print(f"  {name:14} {1e6 * median(times):10.1f} us a step of all, {result.first[name]:.2f} s to the end of the first")
        for name, why in result.missing.items():
            print(f"  {name:14} left out: {why}")
        limit = round(GOALS.get(nets, 1.0), 3)
        mine = ("stacked_plan", "stacked_native")
        for line in verdicts([Goal(p, o, v) for p in mine for o, v in (("separate", limit), ("jax_vmap", 1.0))], result.times):
            print(f"  goal {line}", flush=True)


if __name__ == "__main__":
    main()
