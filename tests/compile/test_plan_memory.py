"""A planned step allocates nothing, computes nothing twice, and shares no memory with anybody's tensors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from planned import F64, MIDDLE, affine, around, deep, draw, labelled, loss_of, pieces, same, training
from torch import Generator
from torch.profiler import ProfilerActivity, profile

import pure_mlp as pm
from pure_mlp._compile.calls.blas import routine
from pure_mlp._compile.numbers import ARITHMETIC
from pure_mlp._compile.plan import Plan
from pure_mlp.record import tree_leaves, tree_map
from pure_mlp.registry.loss_row import LossRow
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
from pure_mlp.train.fold import fold

needs_blas = pytest.mark.skipif(routine("gemm", torch.float32) is None, reason="this torch exports no BLAS")


def storages(tree: Any) -> set[int]:
    return {t.untyped_storage().data_ptr() for t in tree_leaves(tree)}


def test_records_alias_nothing_alive() -> None:
    step, carry = deep(2, pm.adam(0.1))
    planned = Plan(step, carry, pieces(6, 6)[0])
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
    Plan(lambda w, b: (w + torch.rand(6, generator=generator), torch.rand(())), w, ())
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
    planned = Plan(step, carry, batch)
    assert allocations(lambda: step(carry, batch)) > 5 * layers
    assert allocations(lambda: planned.step(batch)) == 0


OPTIMIZERS = {
    **{name: row.make(1e-2) for name, row in OPTIMIZER_ROWS.items()},
    "momentum": pm.sgd(0.1, momentum=0.9),
    "nesterov": pm.sgd(pm.cosine(0.1, 9), momentum=0.9, nesterov=True, weight_decay=0.1),
    "adamw by schedule": pm.adamw(pm.warmup(pm.constant(1e-2), 3)),
    "clipped": pm.chain(pm.clip_by_global_norm(0.1), pm.clip_by_value(0.01), pm.sgd(0.1)),
}
STEPS: dict[str, tuple[Any, LossRow, Any]] = {
    **{f"{name}, {other}": (pm.relu, row, rule) for name, row in LOSS_ROWS.items() for other, rule in OPTIMIZERS.items()},
    **{name: (row.layer, LOSS_ROWS["mse"], pm.sgd(0.1)) for name, row in MIDDLE.items()},
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", STEPS)
def test_no_layer_loss_or_optimizer_makes_a_step_allocate(name: str, dtype: torch.dtype) -> None:
    layer, loss, optimizer = STEPS[name]
    params = tree_map(lambda p: p.to(dtype), around(name if name in MIDDLE else "relu", 6, 7, 5))
    step, carry = training(pm.serial(pm.linear, layer, pm.linear), params, loss_of(loss), optimizer)
    [batch] = labelled(loss, [(draw(10, 6).to(dtype), draw(10, 5, seed=1).to(dtype))])
    planned = Plan(step, carry, batch)
    assert allocations(lambda: planned.step(batch)) == 0, planned.source


def lines(planned: Plan[Any, Any]) -> list[str]:
    return [line.strip() for line in planned.source.splitlines()[1:] if "shape" not in line and "return" not in line]


@pytest.fixture
def by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """All products are calls of torch's."""
    monkeypatch.setattr("pure_mlp._compile.calls.emitter.Emitter.address", lambda *a: None)


def calls(layers: int, optimizer: Any) -> list[str]:
    """The calls of a planned step of an mlp."""
    return [line for line in lines(Plan(*deep(layers, optimizer), pieces(6, 6)[0])) if ".value = " not in line]


@needs_blas
def test_a_two_layer_step_is_thirteen_calls() -> None:
    """Five products, a bias spread, an activation, a threshold, a difference; two sums for the biases and one update; the loss."""
    program = calls(2, pm.sgd(0.1))
    assert len(program) == 13
    assert sum("@" in line for line in program) == 8
    assert sum("axpy" in line for line in program) == 1


@pytest.mark.usefixtures("by_torch")
def test_by_torch_alone_the_loss_takes_two_calls_more_and_the_bias_is_not_spread() -> None:
    assert len(lines(Plan(*deep(2, pm.sgd(0.1)), pieces(6, 6)[0]))) == 14


@needs_blas
def test_weight_decay_is_five_calls_more() -> None:
    """A decayed copy of each weight before its gradient is added; three calls for all biases together."""
    assert len(calls(2, pm.sgd(0.1, weight_decay=0.1))) == 18


@needs_blas
@pytest.mark.parametrize("layers", [2, 5])
def test_momentum_is_three_calls_more(layers: int) -> None:
    """For all biases at once: old momentum times 0.9, plus their gradients; and one update of all weights."""
    plain, packed = calls(layers, pm.sgd(0.1)), calls(layers, pm.sgd(0.1, momentum=0.9))
    assert len(packed) == len(plain) + 3
    assert sum("0.9 * " in line for line in packed) == layers


def test_bias_and_label_meet_before_the_product() -> None:
    program = calls(2, pm.sgd(0.1))
    assert sum(line == "sub(c0_1_bias, x1, out=b2)" for line in program) == 1


@pytest.mark.parametrize("layer", [pm.tanh, pm.sigmoid], ids=["tanh", "sigmoid"])
def test_cotangents_of_activations_take_over_the_memory(layer: Any) -> None:
    def planned(layer: Any) -> Plan[Any, Any]:
        net = pm.serial(pm.linear, layer, pm.linear, layer, pm.linear)
        step, carry = training(net, (affine(6, 7), (), affine(7, 7), (), affine(7, 5)), pm.mse, pm.sgd(0.1))
        return Plan(step, carry, pieces(6, 5)[0])

    backward = [line for line in lines(planned(layer)) if "_backward(" in line]
    assert len(backward) == 2
    assert all(line.split("(")[1].split(",")[0] == line.split("grad_input=")[1].rstrip(")") for line in backward)
    large, largest = ([b for b in planned(f).buffers if b.dim() == 2] for f in (layer, pm.relu))
    assert len(large) == len(largest)


@pytest.mark.usefixtures("by_torch")
def test_adam_updates_all_leaves_at_once() -> None:
    step, carry = deep(2, pm.adam(0.1))
    program = lines(Plan(step, carry, pieces(6, 6)[0]))
    assert sum("=" not in line.split("(")[0] for line in program) == 21
    assert sum("flat" in line.split("(")[0] for line in program) == 4


def test_a_product_that_two_read_is_computed_once() -> None:
    planned = Plan(lambda w, b: (0.5 * (w @ b), (w @ b).relu().sum()), draw(6, 6), draw(6, 6))
    assert sum("mm" in line for line in lines(planned)) == 1


TWICE: list[Callable[..., Any]] = [
    lambda w, b: (w, ((y := b[0] @ w + w[0]) - b[1]).exp().sum() + y.tanh().sum()),
    lambda w, b: (w, ((y := b[0] @ w) + w[0] - b[1]).exp().sum() + y.tanh().sum()),
    lambda w, b: (w - 0.1 * (d := 0.5 * w + b[0].t() @ b[1]), d.tanh().sum()),
]


@pytest.mark.usefixtures("by_torch")
@pytest.mark.parametrize("step", TWICE)
def test_a_product_is_not_repeated_for_a_sum_that_two_read(step: Callable[..., Any]) -> None:
    planned = Plan(step, draw(6, 6), pieces(6, 6)[0])
    assert sum("mm" in line for line in lines(planned)) == 1
    same(step, draw(6, 6), pieces(6, 6))


def test_log_sigmoid_happens_in_place() -> None:
    planned = Plan(lambda w, b: (w, torch.nn.functional.logsigmoid(b[0] @ w).sum()), draw(6, 6), pieces(6, 6)[0])
    assert any(re.match(r"log_sigmoid\((\w+), output=\1", line) for line in lines(planned))


@pytest.mark.usefixtures("by_torch")
def test_a_bottom_layer_that_computes_dx_is_pruned() -> None:
    net = pm.serial(pm.linear, pm.relu, pm.linear)
    step, carry = training(net, (affine(6, 6), (), affine(6, 6, 1)), pm.mse, pm.sgd(0.1))
    assert sum("mm" in line for line in lines(Plan(step, carry, pieces(6, 6)[0]))) == 5


def test_remat_saves_memory_inside_a_plan() -> None:
    def bytes_of(wrap: Any) -> int:
        block = pm.serial(*[pm.dense(pm.tanh)] * 4)
        net = pm.serial(*[wrap(block)] * 4)
        params = tuple(tuple(affine(6, 6, 10 * i + j) for j in range(4)) for i in range(4))
        step, carry = training(net, params, pm.mse, pm.sgd(0.1))
        same(step, carry, pieces(6, 6))
        return sum(b.nbytes for b in Plan(step, carry, pieces(6, 6)[0]).buffers)

    assert bytes_of(pm.remat) <= 0.6 * bytes_of(lambda block: block)


NUMBERS = [-2.0, -0.5, 0.0, 0.5, 1.0, 3.0, 710.0, float("inf"), float("-inf"), float("nan")]


@pytest.mark.parametrize("name", sorted(ARITHMETIC))
def test_host_numbers_are_those_of_torch(name: str) -> None:
    two = name in ("add", "sub", "mul", "div", "pow", "minimum", "maximum")
    arguments = [(a, b) for a in NUMBERS for b in NUMBERS] if two else [(a,) for a in NUMBERS]
    for args in [(a, -1.0, 1.0) for a in NUMBERS] if name == "clamp" else arguments:
        given = (torch.tensor(args[0], dtype=F64), *args[1:]) if name == "clamp" else [torch.tensor(a, dtype=F64) for a in args]
        mine, right = ARITHMETIC[name].python(*args), getattr(torch, name)(*given).item()
        torch.testing.assert_close(mine, right, rtol=1e-15, atol=0.0, equal_nan=True)
