"""A planned step allocates nothing, computes nothing twice, and shares no memory with anybody's tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from planned import F64, affine, deep, draw, pieces, same, training
from torch import Generator
from torch.profiler import ProfilerActivity, profile

import pure_mlp as pm
from pure_mlp.plan.fold import fold
from pure_mlp.plan.host import HOST
from pure_mlp.plan.plan import Plan, plan
from pure_mlp.record import tree_leaves, tree_map


def storages(tree: Any) -> set[int]:
    return {t.untyped_storage().data_ptr() for t in tree_leaves(tree)}


def test_records_alias_nothing_alive() -> None:
    step, carry = deep(2, pm.adam(0.1))
    planned = plan(step, carry, pieces(6, 6)[0])
    planned.step(pieces(6, 6)[0])
    first = planned.carry()
    kept = tree_map(torch.clone, first)
    planned.step(pieces(6, 6)[1])
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(first), tree_leaves(kept)))
    folded, _ = fold(step)(carry, pieces(6, 6))
    everything = [carry, first, planned.carry(), folded]
    assert len(set.union(*map(storages, everything))) == sum(len(tree_leaves(tree)) for tree in everything)
    nothing, losses = fold(step)(carry, [])
    assert storages(nothing).isdisjoint(storages(carry))
    assert losses.shape == (0,)


def test_planning_changes_neither_carry_nor_generators() -> None:
    generator = Generator().manual_seed(0)
    before = generator.get_state(), torch.get_rng_state()
    w = draw(6)
    plan(lambda w, b: (w + torch.rand(6, generator=generator), torch.rand(())), w, ())
    assert torch.equal(before[0], generator.get_state())
    assert torch.equal(before[1], torch.get_rng_state())
    assert torch.equal(w, draw(6))


def allocations(step: Callable[[], object]) -> int:
    """The allocations of a call, counted by the profiler."""
    step()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as prof:
        step()
    events = prof.profiler.kineto_results.events()
    return sum(event.name() == "[memory]" and event.nbytes() > 0 for event in events)


@pytest.mark.parametrize("optimizer", [pm.sgd(0.1), pm.sgd(0.1, momentum=0.9), pm.adam(1e-2)], ids=["sgd", "momentum", "adam"])
@pytest.mark.parametrize("layers", [2, 64])
def test_a_step_allocates_nothing(layers: int, optimizer: Any) -> None:
    step, carry = deep(layers, optimizer)
    batch = pieces(6, 6)[0]
    planned = plan(step, carry, batch)
    assert allocations(lambda: step(carry, batch)) > 5 * layers
    assert allocations(lambda: planned.step(batch)) == 0


def lines(planned: Plan[Any, Any]) -> list[str]:
    return [line.strip() for line in planned.source.splitlines()[1:] if "shape" not in line and "return" not in line]


def test_a_two_layer_step_is_eleven_operations() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    program = lines(plan(step, carry, pieces(6, 6)[0]))
    assert len(program) == 11
    assert sum("mm" in line for line in program) == 5
    assert not any("=" in line.split("(")[0] for line in program)


def test_adam_updates_all_leaves_at_once() -> None:
    step, carry = deep(2, pm.adam(0.1))
    program = lines(plan(step, carry, pieces(6, 6)[0]))
    assert sum("=" not in line.split("(")[0] for line in program) == 17
    assert sum("flat" in line.split("(")[0] for line in program) == 4


def test_a_product_that_two_read_is_computed_once() -> None:
    planned = plan(lambda w, b: (0.5 * (w @ b), (w @ b).relu().sum()), draw(6, 6), draw(6, 6))
    assert sum("mm" in line for line in lines(planned)) == 1


def test_a_bottom_layer_that_computes_dx_is_pruned() -> None:
    net = pm.serial(pm.linear, pm.relu, pm.linear)
    step, carry = training(net, (affine(6, 6), (), affine(6, 6, 1)), pm.mse, pm.sgd(0.1))
    assert sum("mm" in line for line in lines(plan(step, carry, pieces(6, 6)[0]))) == 5


def test_remat_saves_memory_inside_a_plan() -> None:
    def bytes_of(wrap: Any) -> int:
        block = pm.serial(*[pm.dense(pm.tanh)] * 4)
        net = pm.serial(*[wrap(block)] * 4)
        params = tuple(tuple(affine(6, 6, 10 * i + j) for j in range(4)) for i in range(4))
        step, carry = training(net, params, pm.mse, pm.sgd(0.1))
        same(step, carry, pieces(6, 6))
        return sum(b.nbytes for b in plan(step, carry, pieces(6, 6)[0]).buffers)

    assert bytes_of(pm.remat) <= 0.6 * bytes_of(lambda block: block)


NUMBERS = [-2.0, -0.5, 0.0, 0.5, 1.0, 3.0, 710.0, float("inf"), float("-inf"), float("nan")]


@pytest.mark.parametrize("name", sorted(HOST))
def test_host_numbers_are_those_of_torch(name: str) -> None:
    two = name in ("add", "sub", "mul", "div", "pow", "minimum", "maximum")
    arguments = [(a, b) for a in NUMBERS for b in NUMBERS] if two else [(a,) for a in NUMBERS]
    for args in [(a, -1.0, 1.0) for a in NUMBERS] if name == "clamp" else arguments:
        given = (torch.tensor(args[0], dtype=F64), *args[1:]) if name == "clamp" else [torch.tensor(a, dtype=F64) for a in args]
        torch.testing.assert_close(HOST[name](*args), getattr(torch, name)(*given).item(), rtol=1e-15, atol=0.0, equal_nan=True)
