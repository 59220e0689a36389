"""Empty batches, infinities and NaN: nothing is moved past an operation that they would have stopped at."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
import torch
from fuzz.loop import Case
from planned import labelled, loss_of
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS

from .engines import F64, Step, agrees, draw, every, fast

CLIPPED = pm.chain(pm.clip_by_global_norm(1.0), pm.sgd(0.1))
OPTIMIZERS = {
    "clipped": CLIPPED,
    **{name: row.make(0.1) for name, row in OPTIMIZER_ROWS.items()},
    "momentum": pm.sgd(0.1, 0.9, weight_decay=0.1),
    "clipped adam": pm.chain(pm.clip_by_global_norm(1.0), pm.adam(pm.cosine(0.1, 5))),
}


def trained(optimizer: pm.Optimizer, loss: pm.Loss, sizes: tuple[int, ...]) -> tuple[Step, Any]:
    net, params = pm.mlp(sizes, Generator().manual_seed(0), pm.tanh, dtype=F64)
    return pm.training_step(net, loss, optimizer), (params, optimizer.init(params))


def rows(loss: str, n: int, seed: int = 0) -> pm.Batch:
    [batch] = labelled(LOSS_ROWS[loss], [(draw(n, 2, seed=seed), draw(n, 3))])
    return batch


@fast
@pytest.mark.parametrize(
    ("optimizer", "loss"), [(o, "bce_with_logits") for o in OPTIMIZERS] + [("clipped", loss) for loss in LOSS_ROWS]
)
@pytest.mark.parametrize("sizes", [(0,), (3, 0, 3)], ids=["only", "between"])
def test_a_batch_of_no_rows(optimizer: str, loss: str, sizes: tuple[int, ...], engine: pm.Engine) -> None:
    """J is NaN by torch's conventions, gradients are sums of nothing: what the pure step makes of them is right."""
    step, carry = trained(OPTIMIZERS[optimizer], loss_of(LOSS_ROWS[loss]), (2, 3))
    agrees(lambda: Case(step, carry, [rows(loss, n, seed) for seed, n in enumerate(sizes)]), engine)


@every
def test_a_batch_of_no_rows_leaves_the_weights(engine: pm.Engine) -> None:
    step, carry = trained(CLIPPED, pm.bce_with_logits, (2, 3))
    after, _ = pm.fold(step, engine=engine)(carry, [rows("bce_with_logits", 0)])
    assert all(torch.equal(a, b) for a, b in zip(pm.tree_leaves(after), pm.tree_leaves(carry), strict=True))


POISON = {
    "0 (x^T w)": lambda w, x: w - 0.0 * (x.t() @ w),
    "w 0 + x^T x": lambda w, x: w * 0.0 + x.t() @ x,
    "w + 0 x^T x": lambda w, x: w + 0.0 * (x.t() @ x),
    "0 w - x^T x": lambda w, x: 0.0 * w - x.t() @ x,
    "addmm alpha": lambda w, x: torch.addmm(w, x.t(), x, alpha=0.0),
    "addmm beta": lambda w, x: torch.addmm(w, x.t(), x, beta=0.0),
    "baddbmm": lambda w, x: torch.baddbmm(w[None], x.t()[None], x[None], beta=0.0)[0],
    "addmv": lambda w, x: w + torch.addmv(w[0], x.t(), x[:, 0], alpha=0.0),
    "add alpha": lambda w, x: torch.add(w, x.t() @ x, alpha=0.0),
    "lerp 0": lambda w, x: torch.lerp(w, x.t() @ x, 0.0),
    "lerp 1": lambda w, x: torch.lerp(w, x.t() @ x, 1.0),
    "addcmul": lambda w, x: torch.addcmul(w, x, x, value=0.0),
    "addcdiv": lambda w, x: torch.addcdiv(w, x, x, value=0.0),
    "mul 0": lambda w, x: w + x * 0.0,
    "sum 0": lambda w, x: w + 0.0 * x.sum(0),
    "(0 x) sum": lambda w, x: w + (0.0 * x).sum(0),
    "(inf x) sum": lambda w, x: w + (inf * x).sum(0),
    "inf sum": lambda w, x: w + inf * x.sum(0),
    "nan factor": lambda w, x: w + nan * (x.t() @ x),
    "(inf x)^T x": lambda w, x: w + (x * inf).t() @ x,
    "inf (x^T x)": lambda w, x: w + inf * (x.t() @ x),
    "x / 0 sum": lambda w, x: w + (x / 0.0).sum(0),
    "x - x": lambda w, x: w + (x - x),
    "x / x": lambda w, x: w + x / x,
    "max": lambda w, x: w + torch.maximum(x, w).relu(),
    "clamp": lambda w, x: w + x.clamp(-1.0, 1.0),
    "where": lambda w, x: torch.where(x > 0, w, x * 0.0),
    "huge then tiny": lambda w, x: w + (1e200 * (1e200 * x)) * 1e-200 * 1e-200,
    "tiny then huge": lambda w, x: w + (1e-200 * (1e-200 * x)) * 1e200 * 1e200,
    "huge factors of a product": lambda w, x: w + 1e-200 * ((1e200 * x).t() @ (1e200 * x)),
}
SQUARES = {"finite": draw(3, 3), "inf": draw(3, 3).index_fill(1, torch.tensor([1]), inf), "zeros": torch.zeros(3, 3, dtype=F64)}
SQUARES |= {"nan": draw(3, 3).index_fill(0, torch.tensor([2]), nan), "minus inf": draw(3, 3).masked_fill(draw(3, 3) > 1, -inf)}


@fast
@pytest.mark.parametrize("name", POISON)
def test_infinities_meet_what_they_meet_in_the_pure_step(name: str, engine: pm.Engine) -> None:
    """The first batch is finite, so that a program made from it may not know; BLAS does not read under a zero factor."""
    update: Callable[[Tensor, Tensor], Tensor] = POISON[name]

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return update(w, x), (w * x).sum()

    for w in (SQUARES["finite"], SQUARES["inf"]):
        for x in SQUARES:
            agrees(lambda: Case(step, w, [SQUARES["finite"], SQUARES[x], SQUARES["finite"]]), engine)  # noqa: B023  # called at once


@fast
def test_a_rate_that_becomes_nought_keeps_infinities(engine: pm.Engine) -> None:
    """0 inf is NaN: a schedule that ends at 0 does not spare the weights."""
    optimizer = pm.sgd(pm.cosine(0.1, 2))
    step, carry = trained(optimizer, pm.mse, (2, 3))
    agrees(
        lambda: Case(step, carry, [rows("mse", 4), rows("mse", 4), (torch.full((4, 2), inf, dtype=F64), rows("mse", 4)[1])]), engine
    )


@fast
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_params_of_no_numbers(shape: tuple[int, int], engine: pm.Engine) -> None:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return w - 0.1 * (x.t() @ (x @ w)), (x @ w).square().sum()

    agrees(lambda: Case(step, draw(*shape), [draw(4, shape[0]), draw(0, shape[0]), draw(4, shape[0])]), engine)


@every
def test_a_loss_of_whole_numbers_that_no_float_holds(engine: pm.Engine) -> None:
    def step(carry: tuple[Tensor, Tensor], x: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        w, n = carry
        return (0.5 * w + x, 3 * n), n

    agrees(lambda: Case(step, (draw(3), torch.tensor(2**60 + 1)), [draw(3, seed=s) for s in range(4)]), engine)
