"""Optimizers against torch.optim, in float64 to 1e-12; chains, schedules, purity, and the batch rule by experiment."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import nan
from typing import Any

import pytest
import torch
from optimizers import OPTIMIZERS, SCHEDULES, Params, descended, drawn, gradient, same, theirs
from torch import Generator, Tensor
from torch.optim import lr_scheduler

from pure_mlp import (
    Linear,
    State,
    adam,
    adamw,
    chain,
    clip_by_global_norm,
    clip_by_value,
    constant,
    cosine,
    linear,
    rate_for_batch,
    rmsprop,
    sgd,
    step_decay,
    training_step,
    tree_leaves,
    tree_map,
    warmup,
)
from pure_mlp.registry.rows import OptimizerRow


def ran_torch(
    row: OptimizerRow,
    scheduler: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler] | None = None,
) -> Params:
    params = tree_map(Tensor.clone, drawn(0))
    stepper = theirs(row, tree_leaves(params), 0.05)
    schedule = scheduler(stepper) if scheduler else None
    for t in range(20):
        for p, g in zip(tree_leaves(params), tree_leaves(gradient(params, t))):
            p.grad = g
        stepper.step()
        if schedule:
            schedule.step()
    return params


def close(actual: object, expected: object, atol: float = 1e-12) -> None:
    torch.testing.assert_close(tree_leaves(actual), tree_leaves(expected), atol=atol, rtol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twenty_steps_equal_torch(name: str) -> None:
    close(descended(OPTIMIZERS[name].make(0.05)), ran_torch(OPTIMIZERS[name]))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twenty_scheduled_steps_equal_torch(name: str, schedule: str) -> None:
    row = SCHEDULES[schedule]
    close(descended(OPTIMIZERS[name].make(row.make(0.05))), ran_torch(OPTIMIZERS[name], row.reference))


def test_schedules_hold_after_their_end() -> None:
    far = torch.tensor(1e6, dtype=torch.float64)
    assert [cosine(0.5, 9, 0.1)(far).item(), warmup(constant(0.5), 9)(far).item()] == [0.1, 0.5]


CLIPPED = (clip_by_global_norm(0.7), clip_by_value(0.2), adam(0.05))


def test_chain_is_associative_with_unit() -> None:
    a, b, c = CLIPPED
    flat = descended(chain(a, b, c))
    assert same(descended(chain(chain(a, b), c)), flat)
    assert same(descended(chain(a, chain(b, c))), flat)
    assert same(descended(chain(chain(), a, b, chain(), c)), flat)
    assert same(descended(chain(c)), descended(c))
    assert same(descended(chain()), drawn(0))
    assert not same(descended(chain(b, a, c)), flat)


def test_a_chain_hands_each_member_its_own_memory() -> None:
    members = sgd(constant(0.05), 0.9), adam(0.05), rmsprop(0.05)
    both, params = chain(*members), drawn(0)
    states, state = [o.init(params) for o in members], both.init(params)
    for t in range(3):
        grads, expected = gradient(params, t), params
        for i, o in enumerate(members):
            expected, states[i] = o.update(expected, grads, states[i])
        params, state = both.update(params, grads, state)
        assert same(params, expected)
    assert same(state, State(sum((s.counts for s in states), ()), sum((s.slots for s in states), ())))


def test_states_and_grads_that_do_not_fit_are_refused() -> None:
    params, other = drawn(0), tree_map(lambda t: t[:1], drawn(0))
    with pytest.raises(ValueError, match="a state of 0 counts and 1 slots, expected 1 and 2"):
        adam().update(params, params, sgd(0.1, 0.9).init(params))
    shapes, others = "[(3, 4), (3,), (2, 3), (2,)]", "[(1, 4), (1,), (1, 3), (1,)]"
    for o in (sgd(0.1), adam(), chain(*CLIPPED)):
        with pytest.raises(ValueError, match=re.escape(f"params {shapes}, grads {others}")):
            o.update(params, other, o.init(params))
    for o in (sgd(0.1, 0.9), adam(), chain(*CLIPPED)):
        with pytest.raises(ValueError, match=re.escape(f"params {shapes}, a slot of the state {others}")):
            o.update(params, params, o.init(other))


REFUSED: dict[str, Callable[[], object]] = {
    "sgd": lambda: sgd(-0.1),
    "sgd: lr 0.1": lambda: sgd(0.1, nesterov=True),
    "adam": lambda: adam(b1=1.0),
    "adamw": lambda: adamw(eps=-1.0),
    "rmsprop": lambda: rmsprop(alpha=1.0),
    "clip_by_value": lambda: clip_by_value(nan),
    "clip_by_global_norm": lambda: clip_by_global_norm(-1.0),
    "cosine": lambda: cosine(0.1, 0),
    "warmup": lambda: warmup(constant(0.1), 0),
    "step_decay": lambda: step_decay(0.1, 0),
    "rate_for_batch: batch": lambda: rate_for_batch(0.1, 0, 1),
    "rate_for_batch: reduction": lambda: rate_for_batch(0.1, 1, 1, "median"),  # type: ignore[arg-type]  # what is refused
}


@pytest.mark.parametrize("name", REFUSED)
def test_numbers_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        REFUSED[name]()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("k", [1, 2, 8])
def test_the_batch_rule_by_experiment(reduction: Any, k: int) -> None:
    """For J = -sum (or mean) of y y_hat, whose gradient in the params is constant, the rule is exact: all numbers are dyadic.

    path: one step on the union goes as far as k steps on the pieces; step: as far as one of them, on average.
    """

    def score(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
        c = 1 / len(y) if reduction == "mean" else 1.0
        return -(y * y_hat).sum() * c, -y * c

    def gone(rate: float, pieces: list[tuple[Tensor, Tensor]]) -> Tensor:
        step = training_step(linear, score, sgd(rate))
        carry = (start, sgd(rate).init(start))
        for piece in pieces:
            carry, _ = step(carry, piece)
        return carry[0].weight - start.weight

    start = Linear(torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2, dtype=torch.float64))
    x, y = (torch.randint(-8, 8, (4 * k, n), generator=Generator().manual_seed(n)).double() for n in (3, 2))
    walked = gone(0.125, [*zip(x.split(4), y.split(4))])
    assert walked.abs().max() > 0
    assert torch.equal(gone(rate_for_batch(0.125, 4, 4 * k, reduction), [(x, y)]), walked)
    assert torch.equal(gone(rate_for_batch(0.125, 4, 4 * k, reduction, "step"), [(x, y)]), walked / k)
