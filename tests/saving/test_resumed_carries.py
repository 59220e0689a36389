"""Whatever a carry holds, and whatever a rate depends on: training that was saved goes on to the same bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import (
    Layer,
    adam,
    batch_norm,
    chain,
    clip_by_global_norm,
    dropout,
    ensemble,
    fit,
    init,
    initial_statistics,
    linear,
    linear_bottom,
    load,
    mse,
    relu,
    running_statistics,
    save,
    seeded,
    serial,
    sgd,
    training_step,
    tree_leaves,
    tree_map,
)
from pure_mlp.registry.schedules import SCHEDULE_ROWS

X = torch.randn(30, 3, generator=Generator().manual_seed(1))
Y = X.sum(1, keepdim=True).tanh()
Case = tuple[Any, Any, Layer[Any, Any]]


def drawn(net: Layer[Any, Any], seed: int = 0) -> Any:
    return init(net, (3, 4, 1), Generator().manual_seed(seed))[1]


def scheduled(name: str) -> Case:
    net, rule = serial(linear_bottom, relu, linear), chain(clip_by_global_norm(1.0), adam(SCHEDULE_ROWS[name].make(0.02)))
    params = drawn(net)
    return training_step(net, mse, rule), (params, rule.init(params)), net


def masked() -> Case:
    net, rule = serial(linear_bottom, relu, dropout(0.3), linear), adam(0.02)

    def step(carry: Any, batch: tuple[Tensor, Tensor]) -> Any:
        inner, seed = carry
        inner, J = training_step(seeded(net, seed), mse, rule)(inner, batch)
        return (inner, seed + 1), J

    params = drawn(net)
    return step, ((params, rule.init(params)), torch.tensor(0)), net


def normalized() -> Case:
    net, rule = serial(linear_bottom, relu, batch_norm(), linear), sgd(0.05, momentum=0.9)

    def step(carry: Any, batch: tuple[Tensor, Tensor]) -> Any:
        params, state, statistics = carry
        y_hat, cache = net.fwd(params, batch[0])
        J, dy = mse(batch[1], y_hat)
        params, state = rule.update(params, net.bwd(params, cache, dy)[1], state)
        return (params, state, running_statistics(cache, statistics)), J

    params = drawn(net)
    return step, (params, rule.init(params), initial_statistics(params)), net


def together() -> Case:
    one, rule = serial(linear_bottom, relu, linear), adam(0.02)
    net, params = ensemble(one), tree_map(lambda *ps: torch.stack(ps), *[drawn(one, seed) for seed in range(3)])
    many = training_step(net, mse, rule)

    def step(carry: Any, batch: tuple[Tensor, Tensor]) -> Any:
        return many(carry, (batch[0].expand(3, *batch[0].shape), batch[1].expand(3, *batch[1].shape)))

    return step, (params, rule.init(params)), net


CASES: dict[str, Callable[[], Case]] = {
    **{name: lambda name=name: scheduled(name) for name in SCHEDULE_ROWS},  # type: ignore[misc]  # a default binds the name
    "dropout": masked,
    "batch_norm": normalized,
    "ensemble": together,
}


@pytest.mark.parametrize("engine", ["pure", "plan"])
@pytest.mark.parametrize("name", CASES)
def test_training_goes_on_to_the_same_bits(name: str, engine: Any, tmp_path: Path) -> None:
    step, start, net = CASES[name]()
    path, g = tmp_path / "run.safetensors", Generator().manual_seed(3)

    def keep(epoch: Any) -> None:
        if epoch.number == 2:
            save(path, epoch.carry, net=net, generator=g, step=epoch.number)

    whole, history = fit(step, start, (X, Y), epochs=4, batch=8, generator=g, callbacks=[keep], engine=engine)
    found = load(path, start, net=net)
    rest, after = fit(step, found.tree, (X, Y), epochs=4 - found.step, batch=8, generator=found.generator, engine=engine)
    assert [t.tolist() for t in tree_leaves(rest)] == [t.tolist() for t in tree_leaves(whole)]
    assert [epoch.loss for epoch in after] == [epoch.loss for epoch in history][2:]
    assert history[-1].engine == engine
