"""Nets, layers, combinators, optimizers, schedules, steps and epochs are values: they can be pickled, copied, saved."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from optimizers import OPTIMIZERS, SCHEDULES
from tables import IN, LAYERS, Row
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Layer, tree_leaves
from pure_mlp.layer import composition


def affine(n_in: int, n_out: int, seed: int = 0) -> pm.Linear:
    return pm.linear_init(n_in, n_out, Generator().manual_seed(seed), torch.float64)


X = torch.randn(5, 4, generator=Generator().manual_seed(9), dtype=torch.float64)
STACKED = pm.tree_map(lambda a, b: torch.stack((a, b)), affine(4, 4), affine(4, 4, 1))
NETS: dict[str, tuple[Layer[Any, Any], Any, Tensor]] = {
    "serial": (pm.serial(pm.linear, pm.relu), (affine(4, 3), ()), X),
    "unit": (pm.unit, (), X),
    "nested": (pm.serial(pm.serial(pm.linear), pm.leaky_relu(0.1)), ((affine(4, 3),), ()), X),
    "dense": (pm.dense(pm.softplus(2.0)), affine(4, 3), X),
    "dense relu": (pm.dense(pm.relu), affine(4, 3), X),
    "residual": (pm.residual(pm.dense(pm.gelu)), affine(4, 4), X),
    "fan_sum": (pm.fan_sum(pm.linear, pm.linear), (affine(4, 3), affine(4, 3, 1)), X),
    "parallel": (pm.parallel(pm.linear, pm.tanh), (affine(4, 3), ()), X),
    "remat": (pm.remat(pm.dense(pm.silu)), affine(4, 3), X),
    "embed_columns": (pm.embed_columns(1), (pm.Embedding(X),), X.clamp(0, 4)),
    "ensemble": (pm.ensemble(pm.linear), STACKED, torch.stack((X, X))),
    "scored": (pm.scored(pm.mse, X), (), X + 1),
    "scored with options": (pm.scored(partial(pm.mse, reduction="sum"), X), (), X + 1),
    "mlp": (*pm.mlp((4, 3, 2), Generator().manual_seed(0), dtype=torch.float64), X),
}


def both(layer: Layer[Any, Any], params: Any, x: Tensor) -> list[list[float]]:
    """All numbers of the two passes."""
    y, cache = layer.fwd(params, x)
    return [t.tolist() for t in tree_leaves((y, layer.bwd(params, cache, torch.cos(y))))]


def again(value: Any) -> list[Any]:
    """A value after pickling by every protocol, and copied."""
    return [*(pickle.loads(pickle.dumps(value, protocol)) for protocol in range(2, 6)), copy.deepcopy(value), copy.copy(value)]


@pytest.mark.parametrize("name", NETS)
def test_nets(name: str) -> None:
    net, params, x = NETS[name]
    for other in again(net):
        assert str(other) == str(net)
        assert both(other, params, x) == both(net, params, x)
        assert len(str(pm.over(lambda f: f, other)).splitlines()) == len(str(net).splitlines())


@pytest.mark.parametrize("row", LAYERS, ids=[row.name for row in LAYERS])
def test_layers(row: Row) -> None:
    params, x, _ = row.draw((5, IN))
    for other in again(row.layer):
        assert str(other) == str(row.layer)
        assert both(other, params, x) == both(row.layer, params, x)


@pytest.mark.parametrize("name", [*OPTIMIZERS, *SCHEDULES, "chained"])
def test_optimizers_schedules_and_steps(name: str) -> None:
    chained = pm.chain(pm.clip_by_global_norm(0.1), pm.clip_by_value(0.05), pm.adam(pm.warmup(pm.cosine(0.1, 9), 3)))
    scheduled = {name: pm.sgd(row.make(0.05)) for name, row in SCHEDULES.items()}
    optimizer = OPTIMIZERS[name].make(0.1) if name in OPTIMIZERS else scheduled.get(name, chained)
    net, params, x = NETS["mlp"]
    step = pm.training_step(net, pm.mse, optimizer)
    carry = step((params, optimizer.init(params)), (x, x[:, :2]))[0]
    for other in again(step):
        assert [t.tolist() for t in tree_leaves(other(carry, (x, x[:, :2])))] == [
            t.tolist() for t in tree_leaves(step(carry, (x, x[:, :2])))
        ]
    for f in again(pm.value_and_grad(net, pm.mse)):
        assert torch.equal(f(params, x, x[:, :2])[0], pm.value_and_grad(net, pm.mse)(params, x, x[:, :2])[0])


def test_a_net_goes_to_a_spawned_process() -> None:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    net, params, x = NETS["mlp"]
    worker = context.Process(target=work, args=(theirs, pm.training_step(net, pm.mse, pm.adam()), net, params, x))
    worker.start()
    assert mine.recv() == both(net, params, x)
    worker.join()
    mine.close()
    theirs.close()


def work(pipe: Any, step: Any, net: Any, params: Any, x: Tensor) -> None:
    step((params, step.optimizer.init(params)), (x, x[:, :2]))
    pipe.send(both(net, params, x))
    pipe.close()


def test_a_copied_net_keeps_the_fused_kernel_and_its_parts() -> None:
    for other in again(pm.dense(pm.relu)):
        assert type(composition(other)) is type(composition(pm.dense(pm.relu)))
        assert [*map(pm.layer_name, getattr(composition(other), "parts", tuple)())] == ["linear", "relu"]


def test_epochs_are_saved_and_loaded(tmp_path: Path) -> None:
    net, params, x = NETS["mlp"]
    start = params, pm.adam().init(params)
    step = pm.training_step(net, pm.mse, pm.adam())
    history = pm.fit(step, start, (x, x[:, :2]), epochs=2, batch=2, generator=Generator(), score=lambda _: 0.5)[1]
    torch.save(history, tmp_path / "history.pt")
    for a, b in zip(torch.load(tmp_path / "history.pt", weights_only=True), history, strict=True):
        assert (a.number, a.loss, a.score, a.engine, a.compile_seconds) == (b.number, b.loss, b.score, b.engine, b.compile_seconds)
        assert all(map(torch.equal, tree_leaves(a.carry), tree_leaves(b.carry)))


def test_every_record_of_the_package_is_known_to_torch() -> None:
    known = set(torch.serialization.get_safe_globals())
    assert {pm.Linear, pm.State, pm.Epoch} <= known
