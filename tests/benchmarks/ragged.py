"""`python -m tests.benchmarks.ragged`: a stream of 200 batch sizes, the first pass and later ones, over the pure run's time."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from statistics import median
from typing import get_args

import torch
from torch import Generator

import pure_mlp as pm

from .goals import verdict
from .inline import against, seconds
from .machine import described, variables
from .ours import Carry, training
from .shapes import SHAPES, shape_name
from .task import Task
from .tensors import Batch, Start, draw

LIMIT = 3.0
"""The first pass over the pure one, for every engine."""


def stream(sizes: int, start: Start) -> list[Batch]:
    """One batch of each size from 1 on, in a random order."""
    generator, (n_in, n_out) = Generator().manual_seed(1), (start.task.sizes[0], start.task.sizes[-1])
    order = (torch.randperm(sizes, generator=generator) + 1).tolist()
    return [(torch.randn(n, n_in, generator=generator), torch.rand(n, n_out, generator=generator)) for n in order]


def looped(step: pm.Step[Carry, Batch], carry: Carry, batches: Iterable[Batch]) -> None:
    """The pure step over the batches, each loss read."""
    for batch in batches:
        carry, loss = step(carry, batch)
        loss.item()


def main() -> None:
    """Print both passes for each engine; the compiler's cache is an empty one in each round of first passes."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ragged", description=__doc__)
    parser.add_argument("shapes", nargs="*", default=["tiny2", "small"], type=shape_name, metavar="shape", help=", ".join(SHAPES))
    parser.add_argument("--sizes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(described())
    for name in args.shapes:
        task = Task(*SHAPES[name], "mse", "sgd", 1, "")
        start = Start(task, draw(task)[: len(task.shapes())], [])
        batches, (step, carry) = stream(args.sizes, start), training(start)
        engines: tuple[pm.Engine, ...] = tuple(e for e in get_args(pm.Engine) if e != "pure")

        pure = partial(looped, step, carry, batches)
        calls: dict[str, Callable[[], object]] = {"pure": pure}
        first: dict[str, list[float]] = {engine: [] for engine in engines}
        for _ in range(args.rounds):
            for engine in engines:
                with tempfile.TemporaryDirectory() as folder, variables({"XDG_CACHE_HOME": folder}):
                    fold = pm.fold(step, engine=engine)
                    first[engine].append(seconds(partial(fold, carry, batches)) / seconds(pure))
                calls[engine] = partial(fold, carry, batches)
        print(f"\n{name}, {args.sizes} sizes in a random order: first pass, later passes, over the pure run")
        for kind, later in against("pure", calls, args.rounds).items():
            if kind in first:
                got = median(first[kind])
                print(f"  {kind:8} {got:7.2f}   {later}   goal <= {LIMIT}: {verdict(got, LIMIT)}", flush=True)


if __name__ == "__main__":
    main()
