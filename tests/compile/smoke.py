"""`python -m compile.smoke [engine ..]`, among the tests: what every processor must do, in a process that a fault may end."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

import pure_mlp as pm

from .laws import broken, offs, planned

F32 = torch.float32


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed))


def trained(sizes: tuple[int, ...], optimizer: pm.Optimizer, loss: pm.Loss = pm.mse) -> tuple[Any, Any]:
    net, params = pm.mlp(sizes, Generator().manual_seed(0))
    return pm.training_step(net, loss, optimizer), (params, optimizer.init(params))


def lawful(step: Any, carry: Any, batch: pm.Batch, engine: pm.Engine) -> None:
    """The law of changes."""
    found = broken(offs(step, carry, batch, planned(step, carry, batch, engine)))
    assert not found, found


def near(got: Any, expected: Any, *, rtol: float = 1e-3, atol: float = 1e-4) -> None:
    for mine, theirs in zip(pm.tree_leaves(got), pm.tree_leaves(expected), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=rtol, atol=atol)


def large_products(engine: pm.Engine) -> None:
    """2^20 FLOPs and more a product: where a library past torch once aborted the process."""
    optimizer = pm.sgd(0.1)
    step, carry = trained((64, 128, 128, 10), optimizer)
    batches = [(normal(256, 64, seed=s), normal(256, 10, seed=s + 9)) for s in range(3)]
    near(pm.fold(step, engine=engine)(carry, batches), pm.fold(step, engine="pure")(carry, batches))
    lawful(step, carry, batches[0], engine)


def many_rows(engine: pm.Engine) -> None:
    """65,536 rows and a rate of 1e-4 move weights of 2."""
    x = torch.rand(65_536, 4, generator=Generator().manual_seed(0)) + 0.5
    y = x @ torch.tensor([[1.0], [2.0], [3.0], [4.0]]) + 1
    step, optimizer = pm.training_step(pm.linear_bottom, pm.mse, pm.sgd(1e-4)), pm.sgd(1e-4)
    params = pm.Linear(torch.full((1, 4), 2.0), torch.zeros(1))
    lawful(step, (params, optimizer.init(params)), (x, y), engine)


def small_steps(engine: pm.Engine) -> None:
    """Every optimizer, ragged batches, column-major ones, fitted too."""
    for optimizer in (pm.sgd(0.1, 0.9), pm.adam(1e-2), pm.rmsprop(1e-2)):
        step, carry = trained((5, 7, 3), optimizer, pm.bce_with_logits)
        batches = [(normal(n, 5, seed=n), (normal(n, 3, seed=n + 1) > 0).float()) for n in (16, 16, 3, 1, 16)]
        batches.append((normal(5, 16).t(), (normal(3, 16) > 0).float().t()))
        near(pm.fold(step, engine=engine)(carry, batches), pm.fold(step, engine="pure")(carry, batches))
        fitted = [
            pm.fit(step, carry, batches[0], epochs=2, batch=5, generator=Generator().manual_seed(1), engine=e)[0]
            for e in (engine, "pure")
        ]
        near(*fitted)


PARTS: list[Callable[[pm.Engine], None]] = [large_products, many_rows, small_steps]


def main(engines: list[pm.Engine]) -> None:
    """Every part on these engines. Prints what the processor can do, and what passed; raises where something differs."""
    warnings.simplefilter("error")  # an engine that steps down has not passed
    print(torch.backends.cpu.get_cpu_capability(), flush=True)
    failed = []
    for engine in engines:
        for part in PARTS:
            try:
                part(engine)
                print(f"{part.__name__} {engine}", flush=True)
            except Exception as error:
                failed.append(f"{part.__name__} {engine}: {type(error).__name__}: {error}")
    assert not failed, "\n".join(failed)


if __name__ == "__main__":
    main(sys.argv[1:])  # type: ignore[arg-type]  # the names of engines
