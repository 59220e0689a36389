"""`python -m tests.benchmarks [--quick] [--threads 2] [--optimizer adam] [--loss bce] [shape ..]`: the table of ratios."""

from __future__ import annotations

import argparse
import os
import platform

import torch
from torch import Generator

import pure_mlp as pm

from .peers import Task, peers
from .shapes import SHAPES, Shape
from .timing import check, memory, ratios


def task_of(shape: Shape, loss: str, optimizer: str) -> tuple[Task, list[tuple[torch.Tensor, torch.Tensor]]]:
    """Parameters and eight batches, always the same."""
    generator = Generator().manual_seed(0)
    _, params = pm.mlp(shape.sizes, generator)
    xs = [torch.randn(shape.batch, shape.sizes[0], generator=generator) for _ in range(8)]
    ys = [torch.rand(shape.batch, shape.sizes[-1], generator=generator) for _ in range(8)]
    start = [(p.weight, p.bias) for p in params]
    return Task(start, (xs[0], ys[0]), loss, optimizer, 1e-2 if optimizer == "sgd" else 1e-4), [*zip(xs, ys)]


def main() -> None:
    """Check the values, take the times, print a row a peer."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="A training step, relative to eager autograd.")
    parser.add_argument("shapes", nargs="*", metavar="shape", help=f"of {', '.join(SHAPES)}; all of them if none is given")
    parser.add_argument("--quick", action="store_true", help="few short rounds: to see that it works")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2))
    parser.add_argument("--optimizer", default="sgd", choices=("sgd", "adam"))
    parser.add_argument("--loss", default="mse", choices=("mse", "bce"))
    args = parser.parse_args()
    unknown = [name for name in args.shapes if name not in SHAPES]
    if unknown:
        parser.error(f"no such shape: {', '.join(unknown)}")
    torch.set_num_threads(args.threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    print(f"torch {torch.__version__}, {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {args.threads} thread(s), "
          f"{args.optimizer}, {args.loss}; ratio to eager: median [quartiles]; MiB a step: peak / allocated")
    for name in args.shapes or SHAPES:
        task, batches = task_of(SHAPES[name], args.loss, args.optimizer)
        competitors = peers(task, args.threads)
        check(competitors, batches)
        rounds, seconds = (3, 0.002) if args.quick else (args.rounds, 0.02)
        table = ratios(competitors, batches, rounds, seconds)
        print(f"\n{name} {SHAPES[name].batch} x {SHAPES[name].sizes}, {rounds} rounds")
        for peer, row in sorted(table.items(), key=lambda item: item[1].median):
            peak, total = (n / 2**20 for n in memory(competitors[peer].step, batches[0]))
            ratio = f"{row.median:6.3f} [{row.low:.3f} {row.high:.3f}]"
            print(f"  {peer:13} {ratio} {row.microseconds:10.1f} us {peak:8.3f} / {total:.3f}", flush=True)


if __name__ == "__main__":
    main()
