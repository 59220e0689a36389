"""`fit` is a fold of the step: reproducible, observed, stopped early."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from math import inf, isnan, nan
from typing import Any

import pytest
import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, TensorDataset

from pure_mlp import (
    Batch,
    Epoch,
    Linear,
    adam,
    batches,
    cross_entropy,
    fit,
    linear_bottom,
    mlp,
    mse,
    sgd,
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


def test_a_pair_requires_a_generator_and_a_size() -> None:
    step, carry, data = problem()
    for given in ({"batch": 5}, {"generator": Generator()}, {}):
        with pytest.raises(ValueError, match=r"\(x, y\) needs batch.* and generator"):
            fit(step, carry, data, epochs=1, **given)


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
        ([nan, 0.5, 0.3, 0.4, 0.6, 0.7], 3, 3, 6),
        ([0.5, nan, nan, 0.4, nan, nan], 3, 4, 6),
        ([0.5, nan, nan, nan, 0.1, 0.1], 3, 1, 4),
        ([nan, nan, nan, nan, 0.1, 0.1], 3, 3, 3),
        ([inf, inf, -inf, nan, 0.1, 0.1], 2, 3, 5),
    ],
)
def test_early_stopping_returns_the_best_carry(scores: list[float], patience: int | None, best: int, epochs: int) -> None:
    carry, history, seen = scripted(scores, patience)
    assert carry == best
    assert [e.score for e in history] == pytest.approx(scores[:epochs], abs=0, nan_ok=True)
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
    monkeypatch.setattr("pure_mlp.train.batches._GATHERED", gathered)
    x, y = torch.arange(66.0).view(22, 3), torch.arange(22)
    drawn = None if generator is None else Generator().manual_seed(generator)
    order = torch.arange(22) if generator is None else torch.randperm(22, generator=Generator().manual_seed(generator))
    got = [*batches((x, y), 4, drawn)]
    assert [len(a) for a, _ in got] == [4, 4, 4, 4, 4, 2]
    assert all(a.is_contiguous() for a, _ in got)
    assert torch.equal(torch.cat([a for a, _ in got]), x[order])
    assert torch.equal(torch.cat([b for _, b in got]), order)
    assert x.untyped_storage().data_ptr() not in {a.untyped_storage().data_ptr() for a, _ in got}


def scores_of(loss: Any) -> tuple[list[float], Any]:
    """A frozen step, so that every J is that of one net: logits (2 x, 0) for labels 0 and 1, some ignored; two epochs."""
    step = training_step(linear_bottom, loss, sgd(0.0))
    params = Linear(torch.tensor([[2.0], [0.0]]), torch.zeros(2))
    x, y = torch.tensor([[0.1], [0.2], [0.3], [0.4], [0.5]]), torch.tensor([0, -100, -100, 1, 0])
    carry = (params, sgd(0.0).init(params))
    history = fit(step, carry, [(x[:1], y[:1]), (x[1:3], y[1:3]), (x[3:], y[3:])], epochs=2)[1]
    return [e.loss for e in history], (params, x, y)


def test_an_epoch_is_the_mean_over_what_counts() -> None:
    """A batch of ignored rows counts nothing; weights count; a sum is divided by the rows that it is of."""
    weight = torch.tensor([0.5, 3.0])
    for options in ({}, {"weight": weight}, {"label_smoothing": 0.1, "weight": weight}):
        loss: Any = partial(cross_entropy, **options)
        losses, (params, x, y) = scores_of(loss)
        whole = loss(y, linear_bottom.fwd(params, x)[0])[0].item()
        assert losses == pytest.approx([whole] * 2, rel=1e-6)
    total, (params, x, y) = scores_of(partial(cross_entropy, reduction="sum"))
    assert total == pytest.approx([cross_entropy(y, linear_bottom.fwd(params, x)[0])[0].item()] * 2, rel=1e-6)


def test_the_mean_of_sums_is_per_example() -> None:
    step, carry, data = problem()
    del step
    net = mlp((3, 8, 2), Generator().manual_seed(0), tanh, dtype=torch.float64)[0]
    for loss, factor in ((mse, 1), (partial(mse, reduction="sum"), 2), (partial(mse, reduction="batchmean"), 2)):
        step = training_step(net, loss, sgd(0.0))
        start = carry[0], sgd(0.0).init(carry[0])
        J = mse(data[1], net.fwd(carry[0], data[0])[0])[0].item()
        history = fit(step, start, data, epochs=1, batch=7, generator=Generator().manual_seed(0))[1]
        assert history[0].loss == pytest.approx(factor * J, rel=1e-12)


def test_an_epoch_in_which_nothing_counts_is_nan() -> None:
    step = training_step(linear_bottom, cross_entropy, sgd(0.1))
    params = Linear(torch.ones(2, 1), torch.zeros(2))
    carry, history = fit(step, (params, sgd(0.1).init(params)), [(torch.ones(3, 1), torch.tensor([-100] * 3))], epochs=1)
    assert isnan(history[0].loss)
    assert same(carry[0], params)


def test_a_loss_of_nan_is_not_hidden() -> None:
    step, carry, (x, y) = problem()
    x = torch.where(torch.arange(50).unsqueeze(1) == 7, nan, x)
    assert isnan(fit(step, carry, (x, y), epochs=1, batch=5, generator=Generator())[1][0].loss)


def test_no_examples() -> None:
    step, carry, (x, y) = problem()
    with pytest.raises(ValueError, match=r"fit: no examples: x \(0, 3\), y \(0, 2\)"):
        fit(step, carry, (x[:0], y[:0]), epochs=1, batch=5, generator=Generator())
    with pytest.raises(ValueError, match="fit: no batches in epoch 1"):
        fit(step, carry, [], epochs=1)


def test_arrays_are_taken() -> None:
    """Floating arrays in the dtype of the params, integers as int64, in any order and byte order of memory that torch takes."""
    numpy = pytest.importorskip("numpy", reason="arrays are numpy's")
    net, params = mlp((3, 2), Generator().manual_seed(0))
    x, y = torch.randn(20, 3, generator=Generator().manual_seed(1)), torch.arange(20) % 2
    optimizer = sgd(0.1)
    start = params, optimizer.init(params)
    step = training_step(net, cross_entropy, optimizer)
    expected = fit(step, start, (x, y), epochs=2, batch=6, generator=Generator().manual_seed(0))[0]
    frozen = x.numpy().astype(numpy.float64)
    frozen.flags.writeable = False
    for arrays in ((frozen, y.numpy().astype(numpy.int32)), (numpy.asfortranarray(x.numpy()), y.numpy()), [x.numpy(), y]):
        given: Any = arrays
        assert same(fit(step, start, given, epochs=2, batch=6, generator=Generator().manual_seed(0))[0], expected)


def test_loaders_are_taken() -> None:
    step, carry, data = problem()
    dataset = TensorDataset(*data)
    loader: Any = DataLoader(dataset, batch_size=20)
    ours, history = fit(step, carry, loader, epochs=2)
    expected = carry
    for _ in range(2):
        for piece in batches(data, 20):
            expected, _ = step(expected, piece)
    torch.testing.assert_close(tree_leaves(ours), tree_leaves(expected), atol=1e-12, rtol=1e-12)
    assert len(history) == 2
    whole: Any = dataset
    again = fit(step, carry, whole, epochs=2, batch=20, generator=Generator().manual_seed(3))[0]
    assert same(again, fit(step, carry, data, epochs=2, batch=20, generator=Generator().manual_seed(3))[0])


@pytest.mark.parametrize("data", [5, "xy", {"x": 1}, iter([1, 2]), torch.ones(2, 3)], ids=lambda d: type(d).__name__)
def test_other_data_is_refused(data: Any) -> None:
    step, carry, _ = problem()
    with pytest.raises(ValueError, match=rf"fit: data of class {type(data).__name__}, expected \(x, y\) of tensors or arrays"):
        fit(step, carry, data, epochs=1, batch=5, generator=Generator())


def test_a_carry_without_the_state_of_the_optimizer() -> None:
    step, (params, _), data = problem()
    wrongs: list[tuple[Any, str]] = [
        (params, r"tuple\(Linear, Linear\)"),
        (params[0], "Linear"),
        ((params, ()), r"tuple\(tuple, tuple\)"),
    ]
    for wrong, told in wrongs:
        for call in (
            lambda carry: step(carry, data),
            lambda carry: fit(step, carry, data, epochs=1, batch=5, generator=Generator(), engine="pure"),
        ):
            with pytest.raises(ValueError, match=rf"a carry of {told}, expected \(params, optimizer.init\(params\)\)"):
                call(wrong)


def test_an_epoch_prints_in_one_line() -> None:
    step, carry, data = problem()
    history = fit(step, carry, data, epochs=1, batch=50, generator=Generator())[1]
    assert "\n" not in str(history[0])
    assert str(history[0]).startswith("Epoch(number=1, carry=<151 numbers in 13 tensors>, loss=")


@pytest.mark.parametrize("value", [None, False, True])
def test_a_callback_that_returns_true_makes_its_epoch_the_last(value: bool | None) -> None:
    step, carry, data = problem()
    seen: list[int] = []

    def stop(epoch: Epoch[Any]) -> bool | None:
        seen.append(epoch.number)
        return value if epoch.number == 2 else None

    generator = Generator().manual_seed(5)
    after, history = fit(step, carry, data, epochs=3, batch=20, generator=generator, callbacks=[stop, lambda _: None])
    assert seen == [epoch.number for epoch in history] == ([1, 2] if value else [1, 2, 3])
    assert same(after, history[-1].carry)
