"""`fit` and `fold` give the same on every engine, take the fastest that takes the step, and say which."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from natively import needs_compiler
from planned import F64, draw, pieces, pure
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp.train.fold import Folding

Step = Callable[..., Any]
ENGINES: list[pm.Engine] = ["pure", "plan"]
DATA = draw(50, 3), draw(50, 2, seed=1)


def trained(optimizer: pm.Optimizer) -> tuple[Step, Any]:
    net, params = pm.mlp((3, 8, 2), Generator().manual_seed(0), pm.tanh, dtype=F64)
    return pm.training_step(net, pm.mse, optimizer), (params, optimizer.init(params))


def dropped() -> tuple[Step, Any]:
    """A step that draws a mask from its own generator."""
    generator = Generator().manual_seed(7)

    def step(w: Tensor, batch: pm.Batch) -> tuple[Tensor, Tensor]:
        x, y = batch
        kept = x * (torch.rand(x.shape, generator=generator, dtype=F64) < 0.5)
        J, dy_hat = pm.mse(y, kept @ w)
        return w - 0.1 * kept.t() @ dy_hat, J

    return step, draw(3, 2)


def short_read() -> tuple[Step, Any]:
    """A step that can be planned for batches of 16, but reads a value of a shorter one."""

    def step(w: Tensor, batch: pm.Batch) -> tuple[Tensor, Tensor]:
        x, y = batch
        return w - 0.01 * x.t() @ (x @ w - y) * (1.0 if len(x) == 16 else x.sum().item()), ((x @ w - y) ** 2).mean()

    return step, draw(3, 2)


def unread() -> tuple[Step, Any]:
    """A step that reads a value of every batch."""
    return lambda w, batch: (w * 0.9 + batch[0].sum().item(), (w * w).sum()), draw(3, 2)


CASES: dict[str, Callable[[], tuple[Step, Any]]] = {
    "sgd": lambda: trained(pm.sgd(0.1, momentum=0.9)),
    "adam": lambda: trained(pm.adam(0.01)),
    "cosine": lambda: trained(pm.adam(pm.cosine(0.01, steps=12))),
    "dropout": dropped,
    "short read": short_read,
    "unread": unread,
}
TAKEN: dict[str, pm.Engine] = {"short read": "pure", "unread": "pure"}


def close(a: Any, b: Any) -> None:
    for mine, theirs in zip(pm.tree_leaves(a), pm.tree_leaves(b), strict=True):
        assert mine.dtype == theirs.dtype
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11)


def run(name: str, engine: pm.Engine | None, **rest: Any) -> tuple[Any, list[pm.Epoch[Any]]]:
    step, carry = CASES[name]()
    return pm.fit(step, carry, DATA, epochs=3, batch=16, generator=Generator().manual_seed(5), engine=engine, **rest)


def by_hand(name: str) -> tuple[Any, list[float]]:
    """Carry and mean loss of each epoch, by the loop that `fit` means."""
    (step, carry), generator, means = CASES[name](), Generator().manual_seed(5), []
    for _ in range(3):
        epoch = [*pm.batches(DATA, 16, generator)]
        carry, losses = pure(step, carry, epoch)
        means.append(sum(J * len(x) for J, (x, _) in zip(losses.tolist(), epoch)) / 50)
    return carry, means


@pytest.mark.parametrize("engine", [*ENGINES, None])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:the step is not planned:RuntimeWarning")
def test_fit_gives_the_same_on_every_engine_and_says_which(name: str, engine: pm.Engine | None) -> None:
    carry, history = run(name, engine)
    expected, means = by_hand(name)
    close(carry, expected)
    assert [epoch.loss for epoch in history] == pytest.approx(means, rel=1e-9)
    assert [epoch.number for epoch in history] == [1, 2, 3]
    taken = "pure" if engine == "pure" else TAKEN.get(name, "plan")
    assert [(epoch.engine, epoch.compile_seconds) for epoch in history] == [(taken, 0.0)] * 3


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["adam", "dropout"])
def test_the_same_engine_gives_the_same_bits(name: str, engine: pm.Engine) -> None:
    (first, one), (second, two) = run(name, engine), run(name, engine)
    assert all(torch.equal(a, b) for a, b in zip(pm.tree_leaves(first), pm.tree_leaves(second), strict=True))
    assert [epoch.loss for epoch in one] == [epoch.loss for epoch in two]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_generator_of_the_step_is_left_where_the_pure_step_leaves_it(engine: pm.Engine) -> None:
    generator = Generator().manual_seed(3)

    def step(w: Tensor, batch: pm.Batch) -> tuple[Tensor, Tensor]:
        return w + torch.rand(3, generator=generator, dtype=F64), w.sum()

    pm.fit(step, draw(3), DATA, epochs=2, batch=16, generator=Generator(), engine=engine)
    expected = Generator().manual_seed(3)
    for _ in range(8):
        torch.rand(3, generator=expected, dtype=F64)
    assert torch.equal(generator.get_state(), expected.get_state())


@pytest.mark.parametrize("name", ["short read", "unread"])
def test_the_default_gives_way_in_silence_and_an_engine_by_name_aloud_once(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(name, None)
    with pytest.warns(RuntimeWarning, match=r"not planned but run as it is: a value .*test_engine\.py") as warned:
        run(name, "plan")
    assert [warning.filename for warning in warned] == [__file__]


def test_native_without_a_compiler_is_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.warns(RuntimeWarning, match="planned but not made native: native: no C compiler") as warned:
        carry, history = run("adam", "native")
    assert len(warned) == 1
    assert {epoch.engine for epoch in history} == {"plan"}
    close(carry, by_hand("adam")[0])
    with pytest.warns(RuntimeWarning) as warned:
        assert run("unread", "native")[1][0].engine == "pure"
    assert ["native" in str(warning.message) for warning in warned] == [True, False]


@needs_compiler
def test_native_is_compiled_once_and_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (carry, history), (again, later) = run("adam", "native"), run("adam", "native")
    expected, means = by_hand("adam")
    close(carry, expected)
    assert all(torch.equal(a, b) for a, b in zip(pm.tree_leaves(carry), pm.tree_leaves(again), strict=True))
    assert [epoch.loss for epoch in history] == pytest.approx(means, rel=1e-9)
    assert {epoch.engine for epoch in history + later} == {"native"}
    assert history[-1].compile_seconds > 0 == later[-1].compile_seconds
    assert len(set.union(*(storages(epoch.carry) for epoch in history))) == 3 * len(pm.tree_leaves(carry))


@needs_compiler
@pytest.mark.filterwarnings("ignore:the step is:RuntimeWarning")
def test_native_gives_way_in_the_middle_of_an_epoch() -> None:
    step, carry = short_read()
    folding: Folding[Any, pm.Batch] = Folding(step, carry, "native")
    given = pieces(3, 2, (16, 16, 16))
    with pytest.raises(KeyboardInterrupt):
        folding.run(stopped_after(2, KeyboardInterrupt())(given))
    ran = [folding.engine]
    rest = [given[2], *pieces(3, 2, (16, 5, 16))]
    losses = folding.run(rest)
    assert [*ran, folding.engine] == ["native", "plan"]
    middle, _ = pure(step, carry, given[:2])
    close((folding.carry(), losses), pure(step, middle, rest))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:the step is:RuntimeWarning")
def test_fold_gives_the_same_on_every_engine(name: str, engine: pm.Engine) -> None:
    given = [(draw(n, 3, seed=i), draw(n, 2, seed=50 + i)) for i, n in enumerate((16, 16, 10, 16, 10))]
    step, carry = CASES[name]()
    kept = pm.tree_map(torch.clone, carry)
    expected, losses = pure(CASES[name]()[0], carry, given)
    after, got = pm.fold(step, engine=engine)(carry, iter(given))
    close((after, got), (expected, losses))
    assert got.shape == (5,)
    assert all(torch.equal(a, b) for a, b in zip(pm.tree_leaves(carry), pm.tree_leaves(kept), strict=True))


def test_a_folded_function_warns_once_and_stays_where_it_fell() -> None:
    step, carry = short_read()
    folded = pm.fold(step)
    given = [pieces(3, 2, sizes) for sizes in ((16, 16), (16, 5, 16), (5,), (16,))]
    with pytest.warns(RuntimeWarning, match="not planned") as warned:
        got = [folded(carry, batches) for batches in given]
    assert len(warned) == 1
    close(tuple(got), tuple(pure(step, carry, batches) for batches in given))


@pytest.mark.parametrize("engine", ENGINES)
def test_losses_are_in_the_dtype_of_the_loss(engine: pm.Engine) -> None:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return w - x, (w * x).sum()

    for dtype in (torch.float32, F64):
        x = torch.ones(2, dtype=dtype)
        assert pm.fold(step, engine=engine)(x, [x, x])[1].dtype == dtype
    assert pm.fold(step, engine=engine)(x, [])[1].shape == (0,)


def storages(tree: Any) -> set[int]:
    return {leaf.untyped_storage().data_ptr() for leaf in pm.tree_leaves(tree)}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_carries_of_the_epochs_alias_nothing(engine: pm.Engine) -> None:
    start = draw(3, 2), draw(3)

    def step(carry: Any, batch: pm.Batch) -> tuple[Any, Tensor]:
        return (carry[0] * 0.9, carry[1]), batch[0].sum()

    seen: list[Any] = []
    carry, history = pm.fit(
        step,
        start,
        DATA,
        epochs=3,
        batch=16,
        generator=Generator(),
        engine=engine,
        callbacks=[lambda epoch: seen.append(epoch.carry)],
    )
    assert carry is history[-1].carry
    assert [id(epoch.carry) for epoch in history] == [*map(id, seen)]
    assert len(set.union(*map(storages, [start, DATA, *seen]))) == 2 + 2 + 3 * 2
    again, _ = pm.fit(step, start, DATA, epochs=0, batch=16, generator=Generator(), engine=engine)
    assert storages(again).isdisjoint(storages(start))


def stopped_after(n: int, error: BaseException) -> Callable[[Iterable[pm.Batch]], Iterator[pm.Batch]]:
    def observe(given: Iterable[pm.Batch]) -> Iterator[pm.Batch]:
        for i, batch in enumerate(given):
            if i == n:
                raise error
            yield batch

    return observe


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("error", [KeyboardInterrupt("now"), OSError("gone")])
def test_what_observe_raises_comes_out_and_the_carry_is_that_of_the_batches_before(engine: pm.Engine, error: BaseException) -> None:
    with pytest.raises(type(error), match=str(error)):
        run("adam", engine, observe=stopped_after(2, error))
    step, carry = CASES["adam"]()
    folding: Folding[Any, pm.Batch] = Folding(step, carry, engine)
    with pytest.raises(type(error)):
        folding.run(stopped_after(2, error)(pm.batches(DATA, 16)))
    close(folding.carry(), pure(step, carry, [*pm.batches(DATA, 16)][:2])[0])
    folding.run([*pm.batches(DATA, 16)][2:])
    close(folding.carry(), pure(step, carry, [*pm.batches(DATA, 16)])[0])


@pytest.mark.parametrize("engine", [*ENGINES, None])
def test_errors_of_the_step_and_of_the_data_are_what_they_were(engine: pm.Engine | None) -> None:
    step, carry = CASES["sgd"]()
    with pytest.raises(ValueError, match="layer 0"):
        pm.fit(step, carry, (draw(50, 4), DATA[1]), epochs=1, batch=16, generator=Generator(), engine=engine)
    with pytest.raises(ValueError, match="no examples"):
        pm.fit(step, carry, (draw(0, 3), draw(0, 2)), epochs=1, batch=16, generator=Generator(), engine=engine)
    with pytest.raises(ValueError, match="size 0"):
        pm.fit(step, carry, DATA, epochs=1, batch=0, generator=Generator(), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_is_not_a_number_is_the_loss_of_its_epoch(engine: pm.Engine) -> None:
    _, history = pm.fit(
        lambda w, b: (w, w.sum()), draw(3) * torch.nan, DATA, epochs=2, batch=16, generator=Generator(), engine=engine
    )
    assert [epoch.loss != epoch.loss for epoch in history] == [True, True]


@pytest.mark.parametrize("engine", ENGINES)
def test_early_stopping_keeps_the_best_carry(engine: pm.Engine) -> None:
    scores = iter([3.0, 1.0, 2.0, 2.0])
    step, carry = CASES["adam"]()
    best, history = pm.fit(
        step,
        carry,
        DATA,
        epochs=9,
        batch=16,
        generator=Generator().manual_seed(5),
        score=lambda _: next(scores),
        patience=2,
        engine=engine,
    )
    assert [epoch.score for epoch in history] == [3.0, 1.0, 2.0, 2.0]
    assert best is history[1].carry
    close(best, pm.fit(step, carry, DATA, epochs=2, batch=16, generator=Generator().manual_seed(5), engine="pure")[0])
