"""`python -m tests.benchmarks.peak`: matrix products as a fraction of the peak, which a loop of multiply-adds shows."""

from __future__ import annotations

import argparse
from statistics import median

from .goals import verdict
from .machine import CAPABILITIES, described, limits, variables
from .measure import compare
from .shapes import SHAPES, shape_name
from .task import Task
from .timing import ratio

PEERS = ("fma", "native_gemms", "gemms", "onednn", "numpy_gemms", "jax_gemms", "native", "eager")
GOAL = 1.25
"""Native products: the peak's time over theirs at least 0.8."""


def main() -> None:
    """Print GFLOP/s of the products, and their share of the peak in the same round."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peak", description=__doc__)
    parser.add_argument("shapes", nargs="*", default=["wide", "mnist"], type=shape_name, metavar="shape", help=", ".join(SHAPES))
    parser.add_argument("--capability", default="native", choices=CAPABILITIES)
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2))
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    print(described())
    for name in args.shapes:
        task = Task(*SHAPES[name], "mse", "sgd", args.threads, "")
        with variables(limits(args.capability)):
            result = compare(task, PEERS, args.rounds, 0.02)
        print(f"\n{name}, {args.threads} thread(s), {args.capability}: GFLOP/s of the products, share of the peak")
        for peer, times in result.times.items():
            share = f"{ratio(result.times['fma'], times)}" if "fma" in result.times else "no peak"
            print(f"  {peer:12} {2e-9 * task.multiply_adds() / median(times):7.1f}   {share}")
        for peer, why in result.missing.items():
            print(f"  {peer:12} left out: {why}")
        if {"fma", "native_gemms"} <= {*result.times}:
            got = ratio(result.times["native_gemms"], result.times["fma"])
            print(f"  goal native_gemms / fma <= {GOAL}: {got}: {verdict(got.median, GOAL)}")


if __name__ == "__main__":
    main()
