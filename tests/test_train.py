"""Training: a step equals autograd with torch.optim on real data; `fit` is a fold, reproducible, observed, stopped early."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Generator, Tensor, nn

from pure_mlp import (
    Activation,
    Batch,
    Epoch,
    Loss,
    Optimizer,
    adam,
    batches,
    bce_with_logits,
    cross_entropy,
    fit,
    mlp,
    mse,
    relu,
    sgd,
    sigmoid,
    tanh,
    training_step,
    tree_leaves,
    value_and_grad,
)
from pure_mlp.data.load import load
from pure_mlp.data.standardize import fit_standardizer, standardize


class Case(NamedTuple):
    """The same training for us and for torch."""

    data: str
    f: Activation
    torch_f: Callable[[], nn.Module]
    loss: Loss
    torch_loss: Callable[[Tensor, Tensor], Tensor]
    optimizer: Optimizer
    torch_optimizer: Callable[[Iterable[Tensor]], torch.optim.Optimizer]


def torch_adam(lr: float) -> Callable[[Iterable[Tensor]], torch.optim.Optimizer]:
    return lambda p: torch.optim.Adam(p, lr)


def torch_sgd(lr: float) -> Callable[[Iterable[Tensor]], torch.optim.Optimizer]:
    return lambda p: torch.optim.SGD(p, lr, 0.9)


CE, MSE, BCE = nn.functional.cross_entropy, nn.functional.mse_loss, nn.functional.binary_cross_entropy_with_logits
CASES = {
    "digits": Case("digits", relu, nn.ReLU, cross_entropy, CE, adam(1e-3), torch_adam(1e-3)),
    "digits, momentum": Case("digits", sigmoid, nn.Sigmoid, cross_entropy, CE, sgd(0.1, 0.9), torch_sgd(0.1)),
    "diabetes": Case("diabetes", relu, nn.ReLU, mse, MSE, sgd(0.01, 0.9), torch_sgd(0.01)),
    "diabetes, adam": Case("diabetes", tanh, nn.Tanh, mse, MSE, adam(1e-2), torch_adam(1e-2)),
    "breast_cancer": Case("breast_cancer", relu, nn.ReLU, bce_with_logits, BCE, adam(1e-3), torch_adam(1e-3)),
}


def examples(name: str) -> Batch:
    """A shipped set in float64, features standardised, regression targets too."""
    data = load(name)
    x, y = data.x.double(), data.y if data.task == "classes" else data.y.double()
    return standardize(fit_standardizer(x), x), standardize(fit_standardizer(y), y) if data.task == "regression" else y


@pytest.mark.parametrize("name", CASES)
def test_an_epoch_on_real_data_equals_autograd(name: str) -> None:
    case = CASES[name]
    x, y = examples(case.data)
    sizes = (x.shape[1], 64, 32, 10 if y.dim() == 1 else 1)
    net, params = mlp(sizes, Generator().manual_seed(0), case.f, dtype=torch.float64)
    module = nn.Sequential(
        nn.Linear(*sizes[:2]), case.torch_f(), nn.Linear(*sizes[1:3]), case.torch_f(), nn.Linear(*sizes[2:])
    ).double()
    with torch.no_grad():
        for theirs, ours in zip(module.parameters(), tree_leaves(params), strict=True):
            theirs.copy_(ours)
    stepper = case.torch_optimizer(module.parameters())

    step, carry = training_step(net, case.loss, case.optimizer), (params, case.optimizer.init(params))
    losses, expected = [], []
    for piece in batches((x, y), 32, Generator().manual_seed(1)):
        carry, J = step(carry, piece)
        losses.append(J.item())
        stepper.zero_grad()
        reference = case.torch_loss(module(piece[0]), piece[1])
        reference.backward()
        stepper.step()
        expected.append(reference.item())
    assert len(losses) == -(-len(x) // 32)
    assert losses == pytest.approx(expected, abs=1e-12, rel=0)
    assert losses[-1] < losses[0]
    torch.testing.assert_close(tree_leaves(carry[0]), [p.detach() for p in module.parameters()], atol=1e-12, rtol=0)


def problem() -> tuple[Callable[..., Any], Any, Batch]:
    """A small regression: step, carry, data."""
    g = Generator().manual_seed(0)
    net, params = mlp((3, 8, 2), g, tanh, dtype=torch.float64)
    x = torch.randn(50, 3, generator=g, dtype=torch.float64)
    return training_step(net, mse, adam(0.01)), (params, adam(0.01).init(params)), (x, x[:, :2] * x[:, 1:])


def same(a: object, b: object) -> bool:
    return all(torch.equal(x, y) for x, y in zip(tree_leaves(a), tree_leaves(b), strict=True))


def test_the_step_is_value_and_grad_and_update() -> None:
    net, params = mlp((3, 8, 2), Generator().manual_seed(0), tanh, dtype=torch.float64)
    step, carry, (x, y) = problem()
    J, grads = value_and_grad(net, mse)(params, x, y)
    assert same(step(carry, (x, y)), (adam(0.01).update(params, grads, carry[1]), J))


def test_fit_is_the_fold_of_step_over_shuffled_batches() -> None:
    step, carry, data = problem()
    fitted, history = fit(step, carry, data, epochs=3, batch=16, generator=Generator().manual_seed(5))
    g, means = Generator().manual_seed(5), []
    for _ in range(3):
        total = 0.0
        for piece in batches(data, 16, g):
            carry, J = step(carry, piece)
            total += J.item() * len(piece[0])
        means.append(total / 50)
    assert same(fitted, carry)
    assert [e.loss for e in history] == means
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


Pieces = list[list[int]]


def collect(carry: tuple[Any, ...], batch: Batch) -> tuple[tuple[Any, ...], Tensor]:
    """A step whose carry is what it has seen."""
    return (*carry, batch[0].tolist()), batch[0].double().mean()


def test_each_epoch_sees_every_example_once_in_a_new_order() -> None:
    x = torch.arange(23)
    pieces, history = fit(collect, (), (x, x), epochs=3, batch=5, generator=Generator().manual_seed(0))
    assert [len(p) for p in pieces] == [5, 5, 5, 5, 3] * 3
    orders = [[i for piece in pieces[5 * e : 5 * e + 5] for i in piece] for e in range(3)]
    assert all(sorted(order) == [*range(23)] for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert [e.loss for e in history] == pytest.approx([11.0] * 3, abs=1e-12)


def count(carry: int, batch: Batch) -> tuple[int, Tensor]:
    return carry + 1, torch.zeros(())


def scripted(scores: list[float], patience: int | None) -> tuple[int, list[Epoch[int]], list[Epoch[int]]]:
    supply, seen = iter(scores), []
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
    seen = []

    def watch(pieces: Iterable[Batch]) -> Iterable[Batch]:
        for piece in pieces:
            seen.append(len(piece[0]))
            yield piece

    watched = fit(step, carry, data, epochs=2, batch=20, generator=Generator().manual_seed(5), observe=watch)[0]
    assert seen == [20, 20, 10] * 2
    assert same(watched, fit(step, carry, data, epochs=2, batch=20, generator=Generator().manual_seed(5))[0])
