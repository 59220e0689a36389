"""`python -m tests.benchmarks.planning`: what a plan costs, with its check and without, in units of a pure step."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import torch

import pure_mlp as pm
from pure_mlp._compile.carry import Carry
from pure_mlp._compile.pipeline import compiled, traced_step

from .inline import against
from .machine import described
from .ours import training
from .shapes import SHAPES
from .task import BATCHES, Task
from .tensors import Start, draw

DEPTHS = (2, 8, 32, 64)


def begin(batch: int, sizes: Sequence[int]) -> Start:
    """The task's data without a file."""
    task = Task(batch, tuple(sizes), "mse", "sgd", 1, "")
    tensors, n = draw(task), len(task.shapes())
    return Start(task, tensors[:n], [*zip(tensors[n : n + BATCHES], tensors[n + BATCHES :])])


def costs(start: Start, rounds: int) -> None:
    """Print planning with the check, without it, and what is between: the check."""
    (step, carry), batch = training(start), start.batches[0]

    def unchecked() -> None:
        held = Carry(carry)
        compiled(traced_step(step, held, held.copy(), batch, [*batch]), held, batch, "plan")

    calls: dict[str, Callable[[], object]] = {
        "pure": lambda: step(carry, batch),
        "unchecked": unchecked,
        "checked": lambda: pm.Plan(step, carry, batch),
    }
    for call in calls.values():
        call()
    found = against("pure", calls, rounds)
    check = found["checked"].median - found["unchecked"].median
    print(f"  {found['unchecked']!s:28} {found['checked']!s:28} {check:8.1f}", flush=True)


def main() -> None:
    """By shape, then by depth at width 64."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.planning", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="tiny and two layers: to see that it works")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{described()}\nin pure steps: without the check [quartiles], with it [quartiles], the check (their difference)")
    nets = {name: (shape.batch, shape.sizes) for name, shape in SHAPES.items()}
    nets |= {f"{depth} layers of 64": (64, (64,) * (depth + 1)) for depth in DEPTHS}
    for name in ("tiny", "2 layers of 64") if args.quick else nets:
        print(name)
        costs(begin(*nets[name]), args.rounds)


if __name__ == "__main__":
    main()
