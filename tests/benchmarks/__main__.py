"""`python -m tests.benchmarks [shape ..]`: what a training step costs, relative to eager autograd in the same run."""

from __future__ import annotations

import argparse
import sys

from .goals import goals, verdicts
from .machine import CAPABILITIES, described, limits, variables
from .measure import compare
from .report import lines, markdown
from .runtimes import NAMES
from .shapes import SHAPES
from .task import Task


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="A training step, relative to eager autograd.")
    parser.add_argument("shapes", nargs="*", metavar="shape", help=f"of {', '.join(SHAPES)}; all of them if none is given")
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2), help="the cores of a process, and its threads")
    parser.add_argument("--capability", default="native", choices=CAPABILITIES, help="the instructions that may be used")
    parser.add_argument("--optimizer", default="sgd", choices=("sgd", "adam"))
    parser.add_argument("--loss", default="mse", choices=("mse", "bce"))
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="three short rounds: to see that it works")
    parser.add_argument("--peers", metavar="a,b", help=f"besides eager, of {', '.join(NAMES)}; all of them if not given")
    parser.add_argument("--markdown", action="store_true", help="end with a table in Markdown")
    parser.add_argument("--goals", action="store_true", help="say of each goal whether it is reached")
    args = parser.parse_args()
    chosen = args.peers.split(",") if args.peers else NAMES
    unknown = [name for name in args.shapes if name not in SHAPES] + [name for name in chosen if name not in NAMES]
    if unknown or args.rounds < 2:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "--rounds: at least 2")
    args.peers = [name for name in NAMES if name in chosen or name == "eager"]
    return args


def main() -> int:
    """Print a table for each shape; returns 1 if somebody's parameters were wrong."""
    args = arguments()
    rounds, seconds = (3, 0.002) if args.quick else (args.rounds, 0.02)
    print(f"{described()}\n{args.capability}, {args.threads} thread(s), {args.optimizer}, {args.loss}, {rounds} rounds")
    results = {}
    for name in args.shapes or SHAPES:
        shape = SHAPES[name]
        task = Task(shape.batch, shape.sizes, args.loss, args.optimizer, args.threads, "")
        with variables(limits(args.capability)):
            results[name] = compare(task, args.peers, rounds, seconds)
        print(f"\n{name}: batch {shape.batch}, {'-'.join(map(str, shape.sizes))}; {task.k} steps a call of fold and lax_scan")
        print(*lines(results[name]), sep="\n", flush=True)
        if args.goals:
            for line in verdicts(goals(name, args.optimizer, args.loss, args.threads), results[name].times):
                print(f"  goal {line}", flush=True)
    if args.markdown:
        print("", *markdown(results, args.peers), sep="\n")
    return int(any("eager's" in why for result in results.values() for why in result.missing.values()))


if __name__ == "__main__":
    sys.exit(main())
