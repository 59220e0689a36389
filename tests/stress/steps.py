"""`python -m tests.stress.steps`: 10,000 steps on each engine, and in a loop of torch, without growth."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Generator

from pure_mlp import Engine, NetModule, adam, fold, mlp, mse, training_step

ENGINES: tuple[Engine, ...] = ("pure", "plan", "native")
X, Y = torch.randn(8, 5, generator=Generator().manual_seed(1)), torch.zeros(8, 2)
Steps = Callable[[int], object]


def folded(engine: Engine) -> Steps:
    """So many steps, on from those before, over batches of two sizes, whose labels contradict each other: gradients stay large."""
    (net, params), rule = mlp((5, 16, 2), Generator().manual_seed(0)), adam(1e-3)
    run = fold(training_step(net, mse, rule), engine=engine)
    carry = params, rule.init(params)

    def steps(count: int) -> None:
        nonlocal carry
        for _ in range(count // 100):
            carry, _ = run(carry, (batch for _ in range(50) for batch in ((X, Y), (X[:3], 1 - Y[:3]))))

    return steps


def looped() -> Steps:
    """So many steps of a `NetModule` under an optimizer of torch."""
    module = NetModule(*mlp((5, 16, 2), Generator().manual_seed(0)))
    rule = torch.optim.Adam(module.parameters())

    def steps(count: int) -> None:
        for _ in range(count):
            rule.zero_grad()
            module.backward(mse(Y, module(X))[1])
            rule.step()

    return steps


WAYS: dict[str, Callable[[], Steps]] = {**{engine: partial(folded, engine) for engine in ENGINES}, "a loop of torch": looped}


def grown(steps: Steps, count: int) -> tuple[int, int]:
    """By how many blocks of Python and bytes of the process so many steps grow, after a fifth as many to begin with."""
    steps(count // 5)
    before = _size()
    steps(count)
    after = _size()
    return after[0] - before[0], after[1] - before[1]


def _size() -> tuple[int, int]:
    gc.collect()
    pages = Path("/proc/self/statm")
    return sys.getallocatedblocks(), int(pages.read_text().split()[1]) * 4096 if pages.exists() else 0


def main(count: int = 10_000) -> None:
    """Print what was found; raises `AssertionError` where something grows with the steps."""
    for name, make in WAYS.items():
        blocks, size = grown(make(), count)
        print(f"{name}: {count} steps, {blocks:+} blocks of Python, {size / 1024:+.0f} KiB of memory", flush=True)
        if blocks > count // 10 or size > 100 * count:
            raise AssertionError(f"{name} grows")


if __name__ == "__main__":
    main()
