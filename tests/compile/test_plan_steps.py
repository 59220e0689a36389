"""Any pure step can be planned, or is refused with the operation and the line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from planned import F64, deep, draw, pieces, pure, same
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.plan import Plan
from pure_mlp.train.fold import fold

Carry = Any
MOMENTA = (draw(6, 6), draw(6, 6, seed=1)), (draw(6, 6, seed=2), draw(6, 6, seed=3))


def moved(c: Carry, b: Any) -> Carry:
    """Two leaves and their momenta after a step."""
    momenta = tuple(0.9 * v + b[0].t() @ b[i] for i, v in enumerate(c[1]))
    return tuple(p - 0.1 * v for p, v in zip(c[0], momenta)), momenta


PURE: dict[str, tuple[Callable[[Carry, Any], Any], Carry]] = {
    "swap": (lambda c, b: ((c[1], c[0]), b[0].sum()), (draw(6, 6), draw(6, 6, seed=1))),
    "swap and update": (lambda c, b: ((c[1] + 1, c[0] * 2), (c[0] * c[1]).sum()), (draw(3), draw(3, seed=1))),
    "duplicate": (lambda c, b: ((s := c[0] + c[1], s), b[0].sum()), (draw(6), draw(6, seed=1))),
    "the batch": (lambda c, b: (b[0], b[1].sum()), draw(10, 6)),
    "a view": (lambda c, b: (c.t(), c.sum()), draw(4, 4)),
    "with its transpose": (lambda c, b: ((c + c.t()) / 2, c.sum()), draw(4, 4)),
    "its square": (lambda c, b: (c + 0.1 * (c @ c), c.sum()), draw(4, 4)),
    "a view of the new": (lambda c, b: ((c * 2).t(), c.sum()), draw(4, 4)),
    "the carry as loss": (lambda c, b: (c + b[0].sum(), c), torch.tensor(0.5, dtype=F64)),
    "unchanged": (lambda c, b: (c, (c * b[0]).sum()), draw(6)),
    "several outputs": (lambda c, b: (c + b[0].max(0).values.sort().values, torch.var_mean(b[0])[0]), draw(6)),
    "counts alone": (lambda c, b: (1 / (c + 1), b[0].sum() * c), torch.tensor(0.5, dtype=F64)),
    "a count from a tensor": (lambda c, b: ((c + 1) * b[0].mean(), b[0].sum()), torch.zeros((), dtype=F64)),
    "integers": (lambda c, b: (c + (b[0] > 0).sum(0), b[0].sum()), torch.zeros(6, dtype=torch.int64)),
    "integers and a fraction": (lambda c, b: (c, ((3 * b[0]).long() < 1.5).sum() + c), torch.zeros((), dtype=F64)),
    "float32 inside": (lambda c, b: (c + (b[0].float() * 2).sum(0).double(), b[0].sum()), draw(6)),
    "in place on its own": (lambda c, b: (c + torch.zeros(6, dtype=F64).add_(b[0].sum(0)).mul_(2), b[0].sum()), draw(6)),
    "same operand twice": (lambda c, b: (c * c + c, (b[0] * b[0]).mean()), draw(6)),
    "read after update": (lambda c, b: ((c[0] + 1, c[1] + c[0]), (c[0] + 1).sum()), (draw(6), draw(6, seed=1))),
    "no dimension and float32": (lambda c, b: (c * b[0].float().sum() + 1, c), torch.ones(())),
    "alpha of counts": (
        lambda c, b: ((torch.sub(c[0], c[1], alpha=3), c[1] + 1), c[0] * b[0].sum()),
        (draw(2).sum(), torch.ones((), dtype=F64)),
    ),
    "swap of counts": (lambda c, b: ((c[1], c[0] + 1), c[0] * b[0].sum()), (draw(2).sum(), torch.zeros((), dtype=F64))),
    "one gradient for two": (
        lambda c, b: (tuple((p * p + b[0].t() @ b[0]) * 0.1 for p in c), b[0].sum()),
        (draw(6, 6), draw(6, 6, seed=1)),
    ),
    "two alike, one transposed": (
        lambda c, b: (tuple((p * p + b[0].t() @ b[1] * i) * 0.1 for i, p in enumerate(c)), (c[0] @ c[1]).sum()),
        (draw(6, 6), draw(6, 6, seed=1).t(), draw(6, 6, seed=2)),
    ),
    "a product onto twice a bias": (lambda c, b: (c, (b[0] + (2 * c[0] + b[1] @ c)).exp().sum()), draw(6, 6)),
    "twice a product onto a bias": (lambda c, b: (c, (b[0] + 2 * (c[0] + b[1] @ c)).exp().sum()), draw(6, 6)),
    "a product onto a bias, less": (lambda c, b: (c, ((c[0] + b[1] @ c) - 3 * b[0]).exp().sum()), draw(6, 6)),
    "decay inside and outside": (lambda c, b: (c - 0.1 * (0.5 * c - 3 * (b[0].t() @ b[1])), c.sum()), draw(6, 6)),
    "decay that the loss reads": (lambda c, b: (c - 0.1 * (d := 0.5 * c + b[0].t() @ b[1]), d.sum()), draw(6, 6)),
    "ones that broadcast": (lambda c, b: (c, (c * torch.ones(10, 6, dtype=F64)).sum()), draw(6)),
    "momenta that are read": (lambda c, b: (moved(c, b), sum((m * v).sum() for m, v in zip(moved(c, b)[1], c[1]))), MOMENTA),
    "momenta that swap": (lambda c, b: ((moved(c, b)[0], moved(c, b)[1][::-1]), b[0].sum()), MOMENTA),
    "empty": (lambda c, b: (c, b[0].sum()), ()),
}


@pytest.mark.parametrize("name", PURE)
def test_any_pure_step(name: str) -> None:
    same(*PURE[name], pieces(6, 6), rtol=1e-5 if "float32" in name else 1e-9)


def test_random_draws_are_those_of_the_pure_step() -> None:
    def stepper(seed: int) -> Callable[..., Any]:
        generator = Generator().manual_seed(seed)

        def step(w: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            a = torch.rand(6, generator=generator, dtype=F64) < 0.5
            b = torch.rand(6, generator=generator, dtype=F64) < 0.5
            return w + a * 2.0 - b * 1.0, (w * a).sum()

        return step

    expected = pure(stepper(3), draw(6), pieces(6, 6))
    got = fold(stepper(3))(draw(6), pieces(6, 6))
    assert torch.equal(expected[0], got[0])
    torch.testing.assert_close(expected[1], got[1], rtol=1e-14, atol=0.0)


def test_random_draws_keep_their_order() -> None:
    def stepper() -> Callable[..., Any]:
        generator = Generator().manual_seed(0)

        def step(w: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            new = (w * 0.9).clamp(0, 1)
            first = torch.bernoulli(new, generator=generator)
            return new, (first + w * torch.rand(6, generator=generator, dtype=F64)).sum()

        return step

    expected, got = pure(stepper(), draw(6), pieces(6, 6)), fold(stepper())(draw(6), pieces(6, 6))
    torch.testing.assert_close(expected[1], got[1])


def branch(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return (w + 1 if w.sum() > 0 else w), w.sum()


def item(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return w * w.sum().item(), w.sum()


def in_place(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return w.add_(1), w.sum()


def reseeded(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return w + torch.rand(6, generator=Generator().manual_seed(0), dtype=F64), w.sum()


OURS = Generator()


def reseeded_again(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    OURS.manual_seed(0)
    return w + torch.rand(6, generator=OURS, dtype=F64), w.sum()


REFUSED = [(branch, "branch"), (item, "item"), (in_place, "add_"), (reseeded, "generator"), (reseeded_again, "generator")]


@pytest.mark.parametrize(("step", "words"), REFUSED)
def test_what_cannot_be_planned_says_so(step: Any, words: str) -> None:
    with pytest.raises(Unplannable, match=words) as caught:
        Plan(step, draw(6), pieces(6, 6)[0])
    assert words == "generator" or f"test_plan_steps.py:{step.__code__.co_firstlineno + 1}: return" in str(caught.value)


@pytest.mark.parametrize("step", [branch, item, reseeded, reseeded_again])
def test_the_fold_falls_back_once_aloud(step: Any) -> None:
    folded = fold(step)
    with pytest.warns(RuntimeWarning, match="not planned") as warned:
        got, _ = [folded(draw(6), pieces(6, 6)) for _ in range(2)]
    expected = pure(step, draw(6), pieces(6, 6))
    assert len(warned) == 1
    assert torch.equal(got[0], expected[0])
    assert torch.equal(got[1], expected[1])


def test_a_structure_that_changes_is_refused() -> None:
    with pytest.raises(Unplannable, match="new carry"):
        Plan(lambda w, b: (w[:3], w.sum()), draw(6), pieces(6, 6)[0])
    with pytest.raises(Unplannable, match="0-dim"):
        Plan(lambda w, b: (w, w), draw(6), pieces(6, 6)[0])


def test_an_error_of_the_step_stays_what_it_is() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    with pytest.raises(ValueError, match="layer 0"):
        Plan(step, carry, pieces(5, 6)[0])


@pytest.mark.parametrize(("rows", "ulps"), [(10, 5), (32, 16), (33, 1), (512, 1)])
def test_updates_far_below_the_bias_do_not_vanish(rows: int, ulps: int) -> None:
    """Terms far below an ulp of the bias are lost if added to it one by one: half an ulp each, where there are few."""

    def step(b: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
        return b - 1e-9 * d.sum(0), d.sum()

    d, b = torch.rand(rows, 50, generator=Generator().manual_seed(0)), torch.full((50,), 0.05)
    planned = Plan(step, b, d)
    planned.step(d)
    exact = b.double() - 1e-9 * d.double().sum(0)
    ulp = 2.0**-28  # of 0.05 in float32
    assert (planned.carry() - exact).abs().max() <= ulps * ulp
