"""An error is the pure step's, in the pure step's words, from every engine and in every batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from fuzz.loop import Case
from torch import Generator, Tensor
from torch.nn import functional as F

import pure_mlp as pm

from .engines import F64, agrees, draw, every, native

Data = list[pm.Batch]


def classifier(loss: pm.Loss = pm.cross_entropy) -> tuple[Any, Any]:
    net, params = pm.mlp((4, 5, 3), Generator().manual_seed(0), pm.tanh, dtype=F64)
    return pm.training_step(net, loss, pm.sgd(0.1)), (params, ())


def labelled(n: int = 6, seed: int = 0) -> pm.Batch:
    return draw(n, 4, seed=seed), torch.arange(n) % 3


def bad_batches(loss: str) -> dict[str, pm.Batch]:
    """Batches that the pure step refuses."""
    x, y = labelled()
    wrong = {
        "width": (draw(6, 3), y),
        "dtype of x": (x.float(), y),
        "one dimension": (draw(5), y),
        "fewer labels": (x, y[:4]),
        "float labels": (x, y.double()),
    }
    if loss == "cross entropy":
        return wrong | {"label": (x, y - 1), "large label": (x, y + 1), "huge label": (x, y + 2**40)}
    return wrong | {"columns": (x, draw(6, 2)), "would broadcast": (x, draw(6, 1)), "half labels": (x, draw(6, 3).half())}


CASES = [(loss, name) for loss in ("cross entropy", "mse") for name in bad_batches(loss)]


def raises(loss: str, name: str, at: int) -> Case:
    step, _ = classifier(pm.cross_entropy if loss == "cross entropy" else pm.mse)
    params = pm.mlp((4, 5, 3), Generator().manual_seed(0), pm.tanh, dtype=F64)[1]
    good = [labelled(seed=i) if loss == "cross entropy" else (draw(6, 4, seed=i), draw(6, 3)) for i in range(4)]
    good[at] = bad_batches(loss)[name]
    return Case(step, (params, pm.sgd(0.1).init(params)), good)


@every
@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize(("loss", "name"), CASES)
def test_a_bad_batch(loss: str, name: str, at: int, engine: pm.Engine) -> None:
    ran = agrees(lambda: raises(loss, name, at), engine, floor="native")
    assert ran.outcomes[0].error is not None


@pytest.mark.parametrize("engine", ["pure", "plan", native, None])
@pytest.mark.parametrize("at", [0, 1])
def test_fit_with_a_label_out_of_range_names_the_classes(at: int, engine: pm.Engine | None) -> None:
    """Out of the C of the program came "an index is out of range"; of the plan "index -1 is out of bounds"."""
    step, _ = classifier()
    params = pm.mlp((4, 5, 3), Generator().manual_seed(0), pm.tanh, dtype=F64)[1]
    x, y = draw(12, 4), torch.arange(12) % 3
    y[6 * at + 1] = -1
    pieces: list[pm.Batch] = [(x[:6], y[:6]), (x[6:], y[6:])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="classes"):
            pm.fit(
                step,
                (params, pm.sgd(0.1).init(params)),
                (x, y),
                epochs=1,
                batch=6,
                generator=Generator(),
                observe=lambda _: pieces,
                engine=engine,
            )


def guarded(limit: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        if len(x) > limit:
            raise LookupError(f"{len(x)} rows are more than {limit}")
        return w - 0.1 * x.sum(0), (x @ w).sum()

    return step


@every
@pytest.mark.parametrize("sizes", [(5,), (2, 5, 2), (2, 2, 5)])
def test_an_error_of_the_steps_own(sizes: tuple[int, ...], engine: pm.Engine) -> None:
    agrees(lambda: Case(guarded(3), draw(4), [draw(n, 4, seed=n) for n in sizes]), engine, floor="native")


@every
def test_an_index_out_of_range_while_gathering(engine: pm.Engine) -> None:
    def step(w: Tensor, i: Tensor) -> tuple[Tensor, Tensor]:
        return w * 0.5, w.index_select(0, i).sum() + w[i].sum()

    for bad in ([0, 7], [-8, 0]):
        agrees(lambda: Case(step, draw(4), [torch.tensor([1, 2]), torch.tensor(bad)]), engine)  # noqa: B023  # called at once
    agrees(lambda: Case(step, draw(4), [torch.tensor([1, 2]), torch.tensor([3, 0])]), engine)


ONES, WHOLE = torch.ones(3, dtype=F64), torch.tensor([0, 1, 2])
LARGE = torch.tensor([0, 1, 3])
SPD, LARGE_SPD = torch.eye(3, dtype=F64) + 0.5, torch.eye(33, dtype=F64) + 0.5
LOOKS: dict[str, tuple[Callable[[Tensor], Any], Tensor, Tensor]] = {
    "eigvalsh": (torch.linalg.eigvalsh, LARGE_SPD, LARGE_SPD * torch.nan),
    "svdvals": (torch.linalg.svdvals, LARGE_SPD, LARGE_SPD * torch.nan),
    "cholesky": (torch.linalg.cholesky, SPD, -SPD),
    "inverse": (torch.linalg.inv, SPD, 0 * SPD),
    "cholesky_inverse": (torch.cholesky_inverse, SPD, 0 * SPD),
    "solve": (lambda x: torch.linalg.solve(x, ONES), SPD, 0 * SPD),
    "quantile": (lambda x: torch.quantile(ONES, x[0]), SPD - 0.8, 9 * SPD),
    "histc": (lambda x: torch.histc(x, 4), SPD, SPD * torch.nan),
    "masked_scatter": (lambda x: x.masked_scatter(x > 1, ONES[:2]), ONES, SPD[0] + 1),
    "item": (lambda x: x * x.sum().item(), SPD, SPD * torch.nan),
    "assertion": (lambda x: torch._assert((x < 9).all(), "large"), SPD, 9 * SPD),
    "one_hot": (lambda i: F.one_hot(i, 3), WHOLE, LARGE),
    "bincount": (lambda i: torch.bincount(i, minlength=4), WHOLE, WHOLE - 1),
    "nll": (lambda i: F.nll_loss(SPD, i), WHOLE, LARGE),
    "nll of an image": (lambda i: F.nll_loss(SPD[None], i[None]), WHOLE, LARGE),
    "multi_margin": (lambda i: F.multi_margin_loss(SPD, i), WHOLE, LARGE),
    "embedding_bag": (lambda i: F.embedding_bag(i[None], SPD), WHOLE, LARGE),
    "put": (lambda i: ONES.put(i, ONES), WHOLE, LARGE),
    "scatter_reduce": (lambda i: ONES.scatter_reduce(0, i, ONES, "amax"), WHOLE, LARGE),
    "index_reduce": (lambda i: ONES.index_reduce(0, i, ONES, "amax"), WHOLE, LARGE),
    "assignment": (lambda i: ONES.index_put((i,), ONES), WHOLE, LARGE),
    "//": (lambda i: 6 // i, WHOLE + 1, WHOLE),
    "%": (lambda i: 6 % i, WHOLE + 1, WHOLE),
    "div": (lambda i: torch.div(WHOLE, i, rounding_mode="trunc"), WHOLE + 1, WHOLE),
}


@every
@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("name", LOOKS)
def test_what_looks_at_values_raises_though_nothing_reads_the_result(name: str, at: int, engine: pm.Engine) -> None:
    """Dead code that may raise is kept; and checks that torch leaves out while operations are recorded are made."""
    look, good, bad = LOOKS[name]

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        look(x)
        return 0.5 * w, w.sum()

    agrees(lambda: Case(step, draw(2), [bad if i == at else good.clone() for i in range(5)]), engine)


@every
@pytest.mark.parametrize("at", [0, 2, 40])
def test_a_step_that_comes_to_the_end_of_something(at: int, engine: pm.Engine) -> None:
    """`next` of an iterator that is used up: no generator of ours is in the way, which would make it a RuntimeError."""

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        if len(x) == 2:
            raise StopIteration("no more")
        return w * 0.9 + x.sum(), w.sum()

    agrees(lambda: Case(step, draw(3), [draw(2 if i == at else 3, seed=i) for i in range(at + 2)]), engine)


@every
@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_assertion_is_no_dead_code(at: int, engine: pm.Engine) -> None:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        torch.ops.aten._assert_async.default((x > -9).all())
        return w * 0.9 + x, w.sum()

    agrees(lambda: Case(step, draw(3), [draw(3, seed=i) - 10 * (i == at) for i in range(5)]), engine)
