"""`fit` is a fold of the step: reproducible, observed, stopped early."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import (
    Batch,
    Epoch,
    adam,
    batches,
    fit,
    mlp,
    mse,
    tanh,
    training_step,
    tree_leaves,
)


def problem() -> tuple[Callable[..., Any], Any, Batch]:
    """A small regression: step, carry, data."""
    g = Generator().manual_seed(0)
    net, params = mlp((3, 8, 2), g, tanh, dtype=torch.float64)
    x = torch.randn(50, 3, generator=g, dtype=torch.float64)
    return training_step(net, mse, adam(0.01)), (params, adam(0.01).init(params)), (x, x[:, :2] * x[:, 1:])


def same(a: object, b: object) -> bool:
    return all(torch.equal(x, y) for x, y in zip(tree_leaves(a), tree_leaves(b), strict=True))


def test_fit_is_the_fold_of_step_over_shuffled_batches() -> None:
    step, carry, data = problem()
    fitted, history = fit(step, carry, data, epochs=3, batch=16, generator=Generator().manual_seed(5), engine="pure")
    g, means = Generator().manual_seed(5), []
    for _ in range(3):
        total = 0.0
        for piece in batches(data, 16, g):
            carry, J = step(carry, piece)
            total += J.item() * len(piece[0])
        means.append(total / 50)
    assert same(fitted, carry)
    assert [e.loss for e in history] == pytest.approx(means, rel=1e-14)
    assert [e.number for e in history] == [1, 2, 3]


def test_fit_is_reproducible_by_its_generator_and_changes_nothing() -> None:
    step, carry, data = problem()
    before = [t.clone() for t in tree_leaves((carry, data))]
    first, again, other = (
        fit(step, carry, data, epochs=2, batch=16, generator=Generator().manual_seed(seed))[0] for seed in (1, 1, 2)
    )
    assert same(first, again)
    assert not same(first, other)
    assert same((carry, data), tuple(before))


def test_fit_requires_a_generator() -> None:
    assert inspect.signature(fit).parameters["generator"].default is inspect.Parameter.empty


def collect(carry: tuple[list[int], ...], batch: Batch) -> tuple[tuple[list[int], ...], Tensor]:
    """A step whose carry is what it has seen."""
    return (*carry, batch[0].tolist()), batch[0].double().mean()


def test_each_epoch_sees_every_example_once_in_a_new_order() -> None:
    x = torch.arange(23)
    start: tuple[list[int], ...] = ()
    pieces, history = fit(collect, start, (x, x), epochs=3, batch=5, generator=Generator().manual_seed(0))
    assert [len(p) for p in pieces] == [5, 5, 5, 5, 3] * 3
    orders = [[i for piece in pieces[5 * e : 5 * e + 5] for i in piece] for e in range(3)]
    assert all(sorted(order) == [*range(23)] for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert [e.loss for e in history] == pytest.approx([11.0] * 3, abs=1e-12)


def count(carry: int, batch: Batch) -> tuple[int, Tensor]:
    return carry + 1, torch.zeros(())


def scripted(scores: list[float], patience: int | None) -> tuple[int, list[Epoch[int]], list[Epoch[int]]]:
    supply = iter(scores)
    seen: list[Epoch[int]] = []
    x = torch.arange(4)
    carry, history = fit(
        count,
        0,
        (x, x),
        epochs=6,
        batch=4,
        generator=Generator(),
        score=lambda _: next(supply),
        patience=patience,
        callbacks=[seen.append],
    )
    return carry, history, seen


@pytest.mark.parametrize(
    ("scores", "patience", "best", "epochs"),
    [
        ([3, 1, 2, 2, 0, 0], 2, 2, 4),
        ([3, 1, 2, 2, 0, 9], 3, 5, 6),
        ([3, 3, 3, 3, 3, 3], 1, 1, 2),
        ([6, 5, 4, 3, 2, 1], 1, 6, 6),
        ([3, 1, 2, 2, 0, 4], None, 6, 6),
    ],
)
def test_early_stopping_returns_the_best_carry(scores: list[float], patience: int | None, best: int, epochs: int) -> None:
    carry, history, seen = scripted(scores, patience)
    assert carry == best
    assert [e.score for e in history] == scores[:epochs]
    assert [(e.number, e.carry) for e in history] == [(i, i) for i in range(1, epochs + 1)]
    assert [id(e) for e in seen] == [id(e) for e in history]


def test_no_epochs_and_wrong_arguments() -> None:
    x = torch.arange(4)
    assert fit(count, 7, (x, x), epochs=0, batch=4, generator=Generator()) == (7, [])
    with pytest.raises(ValueError, match="patience 2 needs a score"):
        fit(count, 0, (x, x), epochs=1, batch=4, generator=Generator(), patience=2)
    for size, y in ((0, x), (2, x[:3])):
        with pytest.raises(ValueError, match=f"batches: size {size}, 4 inputs, {len(y)} labels"):
            batches((x, y), size)


def test_observe_wraps_the_batches_and_only_observes() -> None:
    step, carry, data = problem()
    seen: list[int] = []

    def watch(pieces: Iterable[Batch]) -> Iterable[Batch]:
        for piece in pieces:
            seen.append(len(piece[0]))
            yield piece

    watched = fit(step, carry, data, epochs=2, batch=20, generator=Generator().manual_seed(5), observe=watch)[0]
    assert seen == [20, 20, 10] * 2
    assert same(watched, fit(step, carry, data, epochs=2, batch=20, generator=Generator().manual_seed(5))[0])


@pytest.mark.parametrize("gathered", [1, 30, 64, 10**6])
@pytest.mark.parametrize("generator", [None, 3])
def test_batches_are_the_rows_in_order_however_many_are_gathered_at_once(
    gathered: int, generator: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pure_mlp.train.fit._GATHERED", gathered)
    x, y = torch.arange(66.0).view(22, 3), torch.arange(22)
    drawn = None if generator is None else Generator().manual_seed(generator)
    order = torch.arange(22) if generator is None else torch.randperm(22, generator=Generator().manual_seed(generator))
    got = [*batches((x, y), 4, drawn)]
    assert [len(a) for a, _ in got] == [4, 4, 4, 4, 4, 2]
    assert all(a.is_contiguous() for a, _ in got)
    assert torch.equal(torch.cat([a for a, _ in got]), x[order])
    assert torch.equal(torch.cat([b for _, b in got]), order)
    assert x.untyped_storage().data_ptr() not in {a.untyped_storage().data_ptr() for a, _ in got}
