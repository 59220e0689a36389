"""A program that differs from the pure step by rounding is kept, one that differs by more is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from natively import needs_compiler
from torch import Generator, Tensor

import pure_mlp as pm

ENGINES = ["plan", pytest.param("native", marks=needs_compiler)]
Carry = tuple[Tensor, Tensor]


def at_a_minimum(seed: int, more: Callable[[], float] = lambda: 0.0) -> tuple[pm.Step[Carry, Carry], Carry, Carry]:
    """Least squares with a bias whose residuals cancel: the momentum of the bias changes by rounding and nothing else."""
    g, n = Generator().manual_seed(seed), 64
    x, w, e = torch.randn(n, 3, generator=g), torch.randn(3, generator=g), torch.randn(n, generator=g).double()
    y = (x.double() @ w.double() + e - e.mean()).float()

    def step(carry: Carry, batch: Carry) -> tuple[Carry, Tensor]:
        (w, m), (x, y) = carry, batch
        r = x @ w - y
        return (w - 0.1 * (x.t() @ r) / n, 0.9 * m + r.mean() + more()), (r * r).mean()

    return step, (w, torch.tensor(0.0)), (x, y)


@pytest.mark.parametrize("engine", ENGINES)
def test_residuals_that_cancel_are_no_reason_to_refuse_a_program(engine: pm.Engine) -> None:
    for seed in range(5):
        assert pm.Plan(*at_a_minimum(seed), engine=engine).engine == engine


@pytest.mark.parametrize("engine", ENGINES)
def test_a_small_number_that_changes_is_one_even_there(engine: pm.Engine) -> None:
    numbers = iter(1e-5 * i for i in range(1_000_000))
    step, carry, batch = at_a_minimum(0, lambda: next(numbers))
    with pytest.raises(pm.Unplannable, match=r"program differs from the step: c1 changes by .* where the pure step"):
        pm.Plan(step, carry, batch, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_differs_is_named(engine: pm.Engine) -> None:
    numbers = iter(range(1_000_000))
    with pytest.raises(pm.Unplannable, match="the program differs from the step: the loss changes by"):
        pm.Plan(lambda w, x: (w - x, w.sum() + next(numbers)), torch.ones(2), torch.ones(2), engine=engine)
