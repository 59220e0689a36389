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
from pure_mlp._compile.host import HOST
from pure_mlp._compile.plan import Plan, plan
from pure_mlp.record import tree_leaves, tree_map
from pure_mlp.train.fold import fold


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


LOSSES: dict[str, Any] = {
    "mse": pm.mse,
    "bce": lambda y, z: pm.bce(torch.sigmoid(y), torch.sigmoid(z)),
    "bce with logits": lambda y, z: pm.bce_with_logits(torch.sigmoid(y), z),
    "cross entropy": lambda y, z: pm.cross_entropy(torch.softmax(y, -1), z),
    "cross entropy of indices": lambda y, z: pm.cross_entropy(y[:, 0].long().abs(), z, label_smoothing=0.1),
    "squared norm": pm.squared_norm,
}
OPTIMIZERS = {
    "sgd": pm.sgd(0.1),
    "momentum": pm.sgd(0.1, momentum=0.9),
    "nesterov": pm.sgd(pm.cosine(0.1, 9), momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam": pm.adam(1e-2),
    "adamw": pm.adamw(pm.warmup(pm.constant(1e-2), 3)),
    "rmsprop": pm.rmsprop(1e-2),
    "clipped": pm.chain(pm.clip_by_global_norm(0.1), pm.clip_by_value(0.01), pm.sgd(0.1)),
}
ACTIVATIONS: dict[str, Any] = {
    "relu": pm.relu,
    "leaky": pm.leaky_relu(0.1),
    "sigmoid": pm.sigmoid,
    "tanh": pm.tanh,
    "softplus": pm.softplus(2.0),
    "gelu": pm.gelu,
    "gelu, tanh": pm.gelu_tanh,
    "silu": pm.silu,
    "softmax": pm.softmax,
}
STEPS: dict[str, tuple[Any, Any, Any]] = {
    **{f"{name}, {other}": (pm.relu, loss, rule) for name, loss in LOSSES.items() for other, rule in OPTIMIZERS.items()},
    **{name: (layer, pm.mse, pm.sgd(0.1)) for name, layer in ACTIVATIONS.items()},
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", STEPS)
def test_no_layer_loss_or_optimizer_makes_a_step_allocate(name: str, dtype: torch.dtype) -> None:
    layer, loss, optimizer = STEPS[name]
    params = tree_map(lambda p: p.to(dtype), (affine(6, 7), (), affine(7, 5)))
    step, carry = training(pm.serial(pm.linear, layer, pm.linear), params, loss, optimizer)
    batch = draw(10, 6).to(dtype), draw(10, 5, seed=1).to(dtype)
    planned = plan(step, carry, batch)
    assert allocations(lambda: planned.step(batch)) == 0, planned.source


def lines(planned: Plan[Any, Any]) -> list[str]:
    return [line.strip() for line in planned.source.splitlines()[1:] if "shape" not in line and "return" not in line]


@pytest.fixture
def by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """All products are calls of torch's."""
    monkeypatch.setattr("pure_mlp._compile.calls.products.fastest", lambda *a: "torch")
    monkeypatch.setattr("pure_mlp._compile.calls.vectors.routine", lambda name: None)


@pytest.mark.usefixtures("by_torch")
def test_a_two_layer_step_is_eleven_operations() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    program = lines(plan(step, carry, pieces(6, 6)[0]))
    assert len(program) == 11
    assert sum("mm" in line for line in program) == 5
    assert not any("=" in line.split("(")[0] for line in program)


def test_past_torch_only_spreading_the_bias_is_a_call_more() -> None:
    program = [line for line in lines(plan(*deep(2, pm.sgd(0.1)), pieces(6, 6)[0])) if "_at.value = " not in line]
    spread = [line for line in program if "= ones(" in line or "_copy_(" in line]
    assert len(program) - len(spread) == 11
    assert len(spread) <= 1


@pytest.mark.usefixtures("by_torch")
def test_weight_decay_costs_no_operation() -> None:
    step, carry = deep(2, pm.sgd(0.1, weight_decay=0.1))
    assert len(lines(plan(step, carry, pieces(6, 6)[0]))) == 11


@pytest.mark.usefixtures("by_torch")
@pytest.mark.parametrize("layers", [2, 5])
def test_momentum_is_one_operation_more(layers: int) -> None:
    plain, packed = (
        lines(plan(*deep(layers, optimizer), pieces(6, 6)[0])) for optimizer in (pm.sgd(0.1), pm.sgd(0.1, momentum=0.9))
    )
    assert len(packed) == len(plain) + 1
    assert sum("beta=0.9" in line for line in packed) == 2 * layers


@pytest.mark.usefixtures("by_torch")
def test_bias_and_label_meet_before_the_product() -> None:
    program = lines(plan(*deep(2, pm.sgd(0.1)), pieces(6, 6)[0]))
    assert sum(line.startswith("addmm(") for line in program) == 1
    assert sum(line == "sub(c0_1_bias, x1, out=b1)" for line in program) == 1


@pytest.mark.parametrize("layer", [pm.tanh, pm.sigmoid], ids=["tanh", "sigmoid"])
def test_cotangents_of_activations_take_over_the_memory(layer: Any) -> None:
    def planned(layer: Any) -> Plan[Any, Any]:
        net = pm.serial(pm.linear, layer, pm.linear, layer, pm.linear)
        step, carry = training(net, (affine(6, 7), (), affine(7, 7), (), affine(7, 5)), pm.mse, pm.sgd(0.1))
        return plan(step, carry, pieces(6, 5)[0])

    backward = [line for line in lines(planned(layer)) if "_backward(" in line]
    assert len(backward) == 2
    assert all(line.split("(")[1].split(",")[0] == line.split("grad_input=")[1].rstrip(")") for line in backward)
    assert len(planned(layer).buffers) == len(planned(pm.relu).buffers)


def test_a_mask_of_ones_costs_nothing() -> None:
    def masked(of: Callable[..., Any]) -> Callable[..., Any]:
        return lambda w, b: (w - b[0].sum(0).exp() * of(6, dtype=F64), torch.where(of(6, dtype=torch.bool), w.neg(), 2.0).sum())

    same(masked(torch.ones), draw(6), pieces(6, 6))
    same(masked(torch.zeros), draw(6), pieces(6, 6))
    with_mask, without = (
        [line.split("(")[0] for line in lines(plan(step, draw(6), pieces(6, 6)[0]))]
        for step in (masked(torch.ones), lambda w, b: (w - b[0].sum(0).exp(), w.neg().sum()))
    )
    assert with_mask == without


@pytest.mark.usefixtures("by_torch")
def test_adam_updates_all_leaves_at_once() -> None:
    step, carry = deep(2, pm.adam(0.1))
    program = lines(plan(step, carry, pieces(6, 6)[0]))
    assert sum("=" not in line.split("(")[0] for line in program) == 17
    assert sum("flat" in line.split("(")[0] for line in program) == 4


def test_a_product_that_two_read_is_computed_once() -> None:
    planned = plan(lambda w, b: (0.5 * (w @ b), (w @ b).relu().sum()), draw(6, 6), draw(6, 6))
    assert sum("mm" in line for line in lines(planned)) == 1


TWICE: list[Callable[..., Any]] = [
    lambda w, b: (w, ((y := b[0] @ w + w[0]) - b[1]).exp().sum() + y.tanh().sum()),
    lambda w, b: (w, ((y := b[0] @ w) + w[0] - b[1]).exp().sum() + y.tanh().sum()),
    lambda w, b: (w - 0.1 * (d := 0.5 * w + b[0].t() @ b[1]), d.tanh().sum()),
]


@pytest.mark.usefixtures("by_torch")
@pytest.mark.parametrize("step", TWICE)
def test_a_product_is_not_repeated_for_a_sum_that_two_read(step: Callable[..., Any]) -> None:
    planned = plan(step, draw(6, 6), pieces(6, 6)[0])
    assert sum("mm" in line for line in lines(planned)) == 1
    same(step, draw(6, 6), pieces(6, 6))


def test_log_sigmoid_happens_in_place() -> None:
    planned = plan(lambda w, b: (w, torch.nn.functional.logsigmoid(b[0] @ w).sum()), draw(6, 6), pieces(6, 6)[0])
    assert any("log_sigmoid_forward(b0, output=b0" in line for line in lines(planned))


@pytest.mark.usefixtures("by_torch")
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
