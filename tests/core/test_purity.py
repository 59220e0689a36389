"""Nothing passed in is changed, and outputs share storage with arguments only where the docstring says so."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from loss_table import LOSSES, REDUCTIONS, LossRow
from optimizers import OPTIMIZERS
from tables import ACTIVATIONS, IN, LAYERS, LEADS, Row
from torch import Tensor

import pure_mlp as pm
from pure_mlp.check.purity import Unchanged, named, shared
from pure_mlp.check.trials import sharing
from pure_mlp.layer import Layer
from pure_mlp.registry.layers import LAYER_ROWS


def run(layer: Layer[Any, Any], params: Any, x: Tensor, dy: Tensor) -> set[str]:
    """Both passes of a layer, arguments checked; returns what is shared."""
    cache = layer.fwd(params, x)[1]
    unchanged = Unchanged(named(params=params, x=x, cache=cache, dy=dy))
    layer.fwd(params, x)
    layer.bwd(params, cache, dy)
    assert unchanged.changed() == []
    return sharing(layer, params, x, dy)


@pytest.mark.parametrize("row", LAYERS, ids=[row.name for row in LAYERS])
def test_layers(row: Row) -> None:
    for lead in LEADS:
        if 0 not in lead:
            assert run(row.layer, *row.draw((*lead, IN))) == row.shared


@pytest.mark.parametrize("row", ACTIVATIONS, ids=[row.name for row in ACTIVATIONS])
def test_an_activation_keeps_its_output_or_its_input_and_no_copy(row: Row) -> None:
    params, x, _ = row.draw((5, IN))
    y, cache = row.layer.fwd(params, x)
    assert cache is (x if "cache is x" in row.shared else y)


@pytest.mark.parametrize("row", LOSSES, ids=[row.name for row in LOSSES])
def test_losses(row: LossRow) -> None:
    for reduction in REDUCTIONS:
        y, y_hat = row.draw((5, IN))
        given = named(y=y, y_hat=y_hat, options=tuple(v for v in row.options.values() if isinstance(v, Tensor)))
        unchanged = Unchanged(given)
        J, dy_hat = row.loss(y, y_hat, reduction)
        assert unchanged.changed() == []
        assert shared(named(J=J, dy_hat=dy_hat), given) == set()
        assert shared(named(J=J), named(dy_hat=dy_hat)) == set()


@pytest.mark.parametrize("row", LAYER_ROWS.values(), ids=LAYER_ROWS)
def test_docstrings_say_what_is_shared(row: Row) -> None:
    function = getattr(pm, row.name)
    function = function.fwd if isinstance(function, Layer) else function
    said = " ".join((inspect.getdoc(function) or "").split())
    phrases = {(): "The cache is ", ("cache is x",): "The cache is x itself", ("cache.0 is x",): "The cache is (x itself"}
    assert phrases.get(tuple(row.shared), "Both y and the cache are x itself") in said
    assert bool(row.shared) == (" itself" in said)


SAID: list[tuple[Callable[..., Any], str]] = [
    (pm.dense, "The cache is (x, cache of f)"),
    (pm.identity.bwd, "dx is dy itself"),
    (pm.remat, "the cache is x itself"),
    (pm.serial, "`serial()` is the unit"),
]


@pytest.mark.parametrize(("function", "phrase"), SAID)
def test_combinators_say_what_is_shared(function: Callable[..., Any], phrase: str) -> None:
    assert phrase in " ".join((inspect.getdoc(function) or "").split())


COMBINED: list[tuple[str, Layer[Any, Any], Callable[[Any], Any], set[str]]] = [
    ("serial()", pm.serial(), lambda p: (), {"y is x", "dx is dy"}),
    ("serial", pm.serial(pm.linear, pm.relu), lambda p: (p, ()), {"cache.0 is x"}),
    ("fan_sum", pm.fan_sum(pm.linear, pm.linear), lambda p: (p, p), {"cache.0 is x", "cache.1 is x"}),
    ("residual", pm.residual(pm.relu), lambda p: (), set()),
    ("parallel", pm.parallel(pm.linear, pm.sigmoid), lambda p: (p, ()), {"cache.0 is x"}),
    ("remat", pm.remat(pm.dense(pm.sigmoid)), lambda p: p, {"cache is x"}),
    ("embed_columns", pm.serial(pm.relu, pm.embed_columns(1)), lambda p: ((), (pm.Embedding(torch.ones(9, 2).double()),)), set()),
]


@pytest.mark.parametrize(("layer", "params", "expected"), [c[1:] for c in COMBINED], ids=[c[0] for c in COMBINED])
def test_combinators(layer: Layer[Any, Any], params: Callable[[Any], Any], expected: set[str]) -> None:
    p, x, _ = LAYERS[0].draw((5, IN))
    y, _ = layer.fwd(params(p), x)
    assert run(layer, params(p), x, torch.cos(y)) == expected


CHAINED = pm.chain(pm.clip_by_value(0.5), pm.clip_by_global_norm(0.1), pm.adam(0.1))


@pytest.mark.parametrize("optimizer", [*[row.make(0.1) for row in OPTIMIZERS.values()], pm.sgd(pm.constant(0.1)), CHAINED])
def test_optimizers(optimizer: pm.Optimizer) -> None:
    params, x, dy = LAYERS[0].draw((5, IN))
    grads = pm.linear.bwd(params, x, dy)[1]
    params, state = optimizer.update(params, grads, optimizer.init(params))
    given = named(params=params, grads=grads, state=state)
    unchanged = Unchanged(given)
    updated = optimizer.update(params, grads, state)
    assert unchanged.changed() == []
    assert shared(named(updated=updated), given) == set()


def test_the_empty_chain_alone_returns_its_params() -> None:
    params, _, _ = LAYERS[0].draw((5, IN))
    optimizer = pm.chain()
    assert "`chain()` changes nothing" in (pm.chain.__doc__ or "")
    assert optimizer.update(params, params, optimizer.init(params))[0].weight is params.weight


def test_merge() -> None:
    first, _, _ = LAYERS[0].draw((5, IN))
    second = pm.Linear(first.weight.new_ones(2, 3), first.bias.new_ones(2))
    unchanged = Unchanged(named(first=first, second=second))
    merged = pm.merge(first, second)
    assert unchanged.changed() == []
    assert shared(named(merged=merged), named(first=first, second=second)) == set()
