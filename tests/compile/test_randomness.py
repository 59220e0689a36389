"""Random numbers: a draw is a side effect, from torch's generators planned, from anywhere else noticed and left to the loop."""

from __future__ import annotations

import itertools
import os
import random
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import torch
from fuzz.loop import Case
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp.installed import has

from .engines import F64, agrees, draw, every, fast, native

np: Any = import_module("numpy") if has("numpy") else None
DRAWS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "randn": lambda w, g: torch.randn(3, 3, generator=g, dtype=F64),
    "rand": lambda w, g: torch.rand(3, 3, generator=g, dtype=F64),
    "float32": lambda w, g: torch.randn(3, 3, generator=g).double(),
    "normal_": lambda w, g: torch.empty_like(w).normal_(generator=g),
    "uniform_": lambda w, g: torch.empty_like(w).uniform_(-1, 1, generator=g),
    "bernoulli": lambda w, g: torch.bernoulli(torch.full_like(w, 0.5), generator=g),
    "bernoulli_": lambda w, g: torch.empty_like(w).bernoulli_(0.5, generator=g),
    "exponential_": lambda w, g: torch.empty_like(w).exponential_(generator=g),
    "randperm": lambda w, g: torch.randperm(9, generator=g).view(3, 3).double(),
    "randint": lambda w, g: torch.randint(0, 9, (3, 3), generator=g).double(),
    "normal": lambda w, g: torch.normal(w, w.abs(), generator=g),
    "multinomial": lambda w, g: torch.multinomial(w.abs(), 3, generator=g).double(),
    "rand_like of another": lambda w, g: torch.rand(w.shape, generator=g).double() * w,
    "none at all": lambda w, g: torch.randn(0, generator=g, dtype=F64).sum() + torch.zeros_like(w),
}


def seeded(name: str, dead: str) -> Case:
    g = Generator().manual_seed(5)
    pick = DRAWS[name]

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        a = pick(w, g)
        if dead == "under 0":
            a = a * 0
        b = torch.randn(3, 3, generator=g, dtype=F64)
        if dead == "last":
            pick(w, g)
        return w * 0.5 + b + (a if dead in ("no", "under 0") else 0), (x * b).sum()

    return Case(step, draw(3, 3), [draw(n, 3, seed=n) @ draw(3, 3) for n in (3, 3, 3)], g.get_state)


@fast
@pytest.mark.parametrize("dead", ["no", "first", "last", "under 0"])
@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_happens_where_it_stands(name: str, dead: str, engine: pm.Engine) -> None:
    """`a` is not used, and still the next draw is another for it."""
    agrees(lambda: seeded(name, dead), engine)


@fast
@pytest.mark.parametrize("unused", ["view", "column", "shape", "loss only", "zeros"])
def test_draws_that_are_used_in_part(unused: str, engine: pm.Engine) -> None:
    def make() -> Case:
        g = Generator().manual_seed(1)

        def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            a = torch.rand(3, 3, generator=g, dtype=F64)
            part: Any = {"view": a.t()[1:2], "column": a[:, :1], "shape": len(a), "loss only": 0.0, "zeros": torch.zeros_like(a)}[
                unused
            ]
            return w + torch.rand(3, generator=g, dtype=F64) * part, a.sum() if unused == "loss only" else w.sum()

        return Case(step, draw(3, 3), [draw(3)] * 3, g.get_state)

    agrees(make, engine)


@fast
def test_several_generators_and_the_default_one(engine: pm.Engine) -> None:
    before = torch.get_rng_state()

    def make() -> Case:
        torch.manual_seed(3)
        g, h = Generator().manual_seed(1), Generator().manual_seed(2)

        def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            torch.rand(2, generator=h)
            w = w + torch.dropout(x, 0.5, True) + torch.rand(3, generator=g, dtype=F64) * torch.rand(3, dtype=F64)
            return w + torch.rand(3, generator=h, dtype=F64), torch.nn.functional.dropout(x, 0.3).sum()

        return Case(
            step, draw(3), [draw(3, seed=s) for s in range(3)], lambda: [g.get_state(), h.get_state(), torch.get_rng_state()]
        )

    try:
        agrees(make, engine)
    finally:
        torch.set_rng_state(before)


class Outside:
    """Sources of numbers outside torch, and where they stand."""

    def __init__(self) -> None:
        self.numpy, self.python = np and np.random.default_rng(1), random.Random(2)
        self.list = [float(i) for i in range(100)]
        self.counter, self.calls = itertools.count(), 0
        random.seed(3)
        if np:
            np.random.seed(4)

    def count(self) -> float:
        self.calls += 1
        return float(self.calls)

    def state(self) -> list[object]:
        theirs = [str(self.numpy.bit_generator.state), str(np.random.get_state())] if np else []
        return [*theirs, str(self.python.getstate()), str(random.getstate()), len(self.list), self.calls]


SOURCES: dict[str, Callable[[Outside], Any]] = {
    "random": lambda o: random.random(),
    "Random": lambda o: o.python.gauss(0, 1),
    "choice": lambda o: float(o.python.choice(range(1000))),
    "a list popped": lambda o: o.list.pop(),
    "a counter": lambda o: o.count(),
    "itertools.count": lambda o: next(o.counter),
    "a shuffled order": lambda o: [float(i) for i in o.python.sample(range(3), 3)],
}
if np:
    SOURCES["numpy"] = lambda o: o.numpy.random(3)
    SOURCES["numpy's global"] = lambda o: np.random.rand(3)
    SOURCES["numpy mask"] = lambda o: o.numpy.random(3) < 0.5


def outside(source: str, how: str) -> Case:
    o = Outside()

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        value = torch.as_tensor(SOURCES[source](o), dtype=F64)
        if how == "number" and value.dim() == 0:
            return w * 0.5 + x * value.item(), (w * value.item()).sum()
        if how == "shape":
            return w * 0.5 + x[: 1 + int(value.sum().abs() * 7) % 3].sum(), w.sum()
        return w * 0.5 + x * value, (w * value).sum()

    return Case(step, draw(3), [draw(3, seed=s) for s in range(6)], o.state)


@every
@pytest.mark.parametrize("how", ["number", "tensor", "shape"])
@pytest.mark.parametrize("source", SOURCES)
def test_numbers_from_outside_torch(source: str, how: str, engine: pm.Engine) -> None:
    """The loop's results, and as many numbers taken from the source: a mask that is frozen gives equal losses and no warning."""
    agrees(lambda: outside(source, how), engine)


@pytest.mark.parametrize("engine", ["plan", native, None])
@pytest.mark.parametrize("source", [name for name in ("numpy", "random", "a counter") if name in SOURCES])
def test_fit_by_default_is_the_loop_too(source: str, engine: pm.Engine | None) -> None:
    def run(engine: pm.Engine | None) -> tuple[list[float], list[object]]:
        o = Outside()

        def step(w: Tensor, batch: pm.Batch) -> tuple[Tensor, Tensor]:
            x, y = batch
            kept = x * torch.as_tensor(SOURCES[source](o), dtype=F64)
            d = kept @ w - y
            return w - 0.01 * kept.t() @ d, d.square().sum()

        g = Generator().manual_seed(0)
        _, history = pm.fit(step, draw(3), (draw(12, 3), draw(12)), epochs=3, batch=4, generator=g, engine=engine)
        return [epoch.loss for epoch in history], o.state()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        losses, state = run(engine)
    assert caught or engine is None
    expected, left = run("pure")
    assert losses == pytest.approx(expected, rel=1e-9)
    assert state == left


@fast
@pytest.mark.parametrize("name", ["urandom", "time", "id"])
def test_numbers_that_nobody_can_repeat_differ_from_step_to_step(name: str, engine: pm.Engine) -> None:
    seen = itertools.count()
    # the clock stands for any number that is another one at each call; nothing is timed
    source = {"urandom": lambda: int.from_bytes(os.urandom(4), "big"), "time": time.perf_counter, "id": lambda: next(seen)}[name]

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return w + x, x.sum() * 0 + float(source())

    with pytest.warns(RuntimeWarning):
        _, losses = pm.fold(step, engine=engine)(torch.ones(2, dtype=F64), [torch.ones(2, dtype=F64)] * 6)
    assert len(set(losses.tolist())) == 6
