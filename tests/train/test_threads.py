"""Threads that train different nets do not disturb each other: every one comes to the bits that it comes to alone."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from natively import needs_compiler
from torch import Generator

from pure_mlp import (
    Activation,
    Engine,
    Optimizer,
    adam,
    dropout,
    fit,
    init,
    linear,
    mse,
    relu,
    seeded,
    serial,
    sgd,
    tanh,
    tree_leaves,
)

X = torch.randn(60, 4, generator=Generator().manual_seed(1))
Y = X.sum(1, keepdim=True).tanh()
Net = tuple[Activation, int, Optimizer]
NETS: list[Net] = [(relu, 5, adam(0.01)), (tanh, 9, sgd(0.05, momentum=0.9)), (tanh, 5, adam(0.02)), (relu, 7, sgd(0.1))]


def trained(i: int, engine: Engine) -> list[list[Any]]:
    f, width, rule = NETS[i]
    g = Generator().manual_seed(i)
    net, params = init(serial(linear, f, dropout(0.2), linear), (4, width, 1), g)

    def step(carry: Any, batch: Any) -> Any:
        (params, state), seed = carry
        masked: Any = seeded(net, seed)
        y_hat, cache = masked.fwd(params, batch[0])
        J, dy = mse(batch[1], y_hat)
        return (rule.update(params, masked.bwd(params, cache, dy)[1], state), seed + 1), J

    start = (params, rule.init(params)), torch.tensor(i)
    carry, history = fit(step, start, (X, Y), epochs=4, batch=12, generator=g, engine=engine)
    assert history[-1].engine == engine
    return [*(t.tolist() for t in tree_leaves(carry)), [epoch.loss for epoch in history]]


@pytest.mark.parametrize("engine", ["pure", "plan", pytest.param("native", marks=needs_compiler)])
def test_threads_come_to_what_they_come_to_alone(engine: Engine) -> None:
    count = 2 if engine == "native" else len(NETS)  # each is compiled
    alone = [trained(i, engine) for i in range(count)]
    together: dict[int, list[list[Any]]] = {}
    gate = threading.Barrier(count)

    def work(i: int) -> None:
        gate.wait()
        together[i] = trained(i, engine)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together.get(i) for i in range(count)] == alone
