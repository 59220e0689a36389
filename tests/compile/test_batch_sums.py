"""Sums over a batch are no worse than the pure step's, compared on the CHANGE of the parameters.

A loss that is right hides a weight that stands still.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

import pure_mlp as pm

from .engines import F64, Step, draw, fast, native

ROWS = 65_536


def change(step: Step, carry: Any, batch: Any, engine: pm.Engine) -> list[Tensor]:
    """New minus old of every leaf after one step, in float64."""
    after, _ = pm.fold(step, engine=engine)(carry, [batch])
    return [new.double() - old.double() for new, old in zip(pm.tree_leaves(after), pm.tree_leaves(carry), strict=True)]


def errors(step: Step, carry: Any, batch: Any, engine: pm.Engine) -> list[float]:
    """The relative errors of the changes against the step in float64."""
    exact = change(step, *pm.tree_map(Tensor.double, (carry, batch)), "pure")
    got = change(step, carry, batch, engine)
    return [float((a - b).abs().max() / b.abs().max()) for a, b in zip(got, exact)]


def at_most_twice(step: Step, carry: Any, batch: Any, engine: pm.Engine, *, spare: float = 0.0) -> None:
    """The law for one step: at most two times the pure step's error, and `spare` of the change."""
    mine, pure = errors(step, carry, batch, engine), errors(step, carry, batch, "pure")
    assert all(a <= 2 * b + spare for a, b in zip(mine, pure)), (mine, pure)


def bottom(optimizer: pm.Optimizer, loss: pm.Loss, params: pm.Linear) -> tuple[Step, Any]:
    return pm.training_step(pm.linear_bottom, loss, optimizer), (params, optimizer.init(params))


@pytest.mark.parametrize("engine", ["pure", "plan", native, None])
def test_a_small_rate_over_a_large_batch_still_trains(engine: pm.Engine | None) -> None:
    """2 + 1e-4 / 65536 is 2 in float32: whoever adds row by row into the weight does not move it."""
    x = torch.rand(ROWS, 4, generator=Generator().manual_seed(0)) + 0.5
    y = x @ torch.tensor([[1.0], [2.0], [3.0], [4.0]]) + 1
    step, carry = bottom(pm.sgd(1e-4), pm.mse, pm.Linear(torch.full((1, 4), 2.0), torch.zeros(1)))
    options: dict[str, Any] = {"epochs": 200, "batch": ROWS, "generator": Generator().manual_seed(0)}
    (params, _), history = pm.fit(step, carry, (x, y), engine=engine, **options)
    (exact, _), right = pm.fit(step, *pm.tree_map(Tensor.double, (carry, (x, y))), engine="pure", **options)
    assert history[-1].loss == pytest.approx(right[-1].loss, rel=1e-5)
    torch.testing.assert_close(params.weight.double() - 2, exact.weight - 2, rtol=1e-3, atol=0)


def logistic(rate: float, rows: int, wide: int) -> tuple[Step, Any, Any]:
    x, w = draw(rows, wide, dtype=torch.float32), draw(1, wide, seed=1, dtype=torch.float32)
    y = (draw(rows, 1, seed=2) > 0).float()
    step, carry = bottom(pm.sgd(rate), pm.bce_with_logits, pm.Linear(2 * w.sign(), torch.full((1,), 2.0)))
    return step, carry, (x, y)


@fast
@pytest.mark.parametrize("rate", [1.0, 1e-2, 1e-4])
@pytest.mark.parametrize(("rows", "wide"), [(1024, 30), (4096, 7), (3, 30), (257, 1)])
def test_the_change_of_a_logistic_regression(rate: float, rows: int, wide: int, engine: pm.Engine) -> None:
    """Where the change drowns in the weight, half an ulp of the weight is what rounding the sum itself costs, pure or not."""
    step, carry, batch = logistic(rate, rows, wide)
    smallest = min(float(leaf.abs().max()) for leaf in change(step, *pm.tree_map(Tensor.double, (carry, batch)), "pure"))
    at_most_twice(step, carry, batch, engine, spare=torch.finfo(torch.float32).eps * 2 / smallest)


def summed(w: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    return w - dy.sum(0), dy.sum()


def ones_product(w: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    return w - torch.ones(len(dy), dtype=dy.dtype) @ dy, dy.mean()


def kept(w: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    return w - dy.sum(0, keepdim=True)[0], dy.sum()


def squares(w: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    return w - dy.square().sum(0), dy.square().sum()


def means(w: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    return w - dy.mean(0), dy.mean()


def factored(w: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    return w - 1e-3 * (0.5 * dy).sum(0), (0.5 * dy).sum()


def outer(w: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    return w - (dy.t() @ dy)[0], dy.sum()


@fast
@pytest.mark.parametrize("step", [summed, ones_product, kept, squares, means, factored, outer])
@pytest.mark.parametrize("value", [0.1, 1 / 3])
@pytest.mark.parametrize("start", [0.0, 2.0])
def test_sums_of_equal_rows(step: Step, value: float, start: float, engine: pm.Engine) -> None:
    """Equal rows do not let errors cancel: a sum row by row is off by 6e-4, torch's by 1.5e-7 or, by luck, by nothing: 4 eps."""
    w, dy = torch.full((3,), start), torch.full((ROWS, 3), value)
    size = float(change(step, w.double(), dy.double(), "pure")[0].abs().max())
    rounding = torch.finfo(torch.float32).eps * (4 + start / size)
    at_most_twice(step, w, dy, engine, spare=rounding)


@fast
def test_the_loss_of_many_rows(engine: pm.Engine) -> None:
    x = torch.full((ROWS, 2), 0.1)
    for step in (summed, squares, means, factored):
        losses = [pm.fold(step, engine=e)(torch.zeros(2), [x])[1].double() for e in ("pure", engine)]
        exact = pm.fold(step, engine="pure")(torch.zeros(2, dtype=F64), [x.double()])[1]
        pure, mine = [float((loss - exact).abs() / exact.abs()) for loss in losses]
        assert mine <= 2 * pure + 4 * torch.finfo(torch.float32).eps, step.__name__


@pytest.mark.parametrize(("rows", "straight"), [(128, True), (129, False)])
def test_a_product_over_many_rows_goes_into_a_buffer_before_it_is_added(rows: int, straight: bool) -> None:
    """The BLAS of this machine may add such a sum up before it touches the weight; that of another does not."""
    net, params = pm.mlp((3, 4, 2), Generator().manual_seed(0))
    optimizer = pm.sgd(0.1)
    step = pm.training_step(net, pm.mse, optimizer)
    program = pm.Plan(step, (params, optimizer.init(params)), (torch.ones(rows, 3), torch.ones(rows, 2)))
    assert ("_weight += " in program.source) == straight, program.source
