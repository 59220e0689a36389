"""Init threads shapes through a net, and says where they do not meet; the summary is what the layers say themselves."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Layer, Linear, init, linear, linear_bottom, relu, residual, serial, summary, tanh, tree_items, tree_leaves


def seeded() -> Generator:
    return Generator().manual_seed(0)


def test_params_are_those_drawn_layer_by_layer() -> None:
    net, params = init(serial(linear_bottom, relu, linear), (3, 5, 2), seeded())
    g = seeded()
    expected = (pm.linear_init(3, 5, g), (), pm.linear_init(5, 2, g))
    assert all(map(torch.equal, tree_leaves(params), tree_leaves(expected)))
    assert params[1] == ()
    assert net.fwd(params, torch.ones(7, 3))[0].shape == (7, 2)
    by_mlp = pm.mlp((3, 5, 2), seeded())
    assert all(map(torch.equal, tree_leaves(init(by_mlp[0], (3, 5, 2), seeded())[1]), tree_leaves(by_mlp[1])))


L, R = linear, relu
NETS: dict[str, tuple[Layer[Any, Any], tuple[int, ...], dict[str, tuple[int, ...]]]] = {
    "linear": (L, (3, 2), {"weight": (2, 3), "bias": (2,)}),
    "no params": (R, (3,), {}),
    "unit": (pm.unit, (3,), {}),
    "dense": (pm.dense(tanh), (3, 2), {"weight": (2, 3), "bias": (2,)}),
    "dense relu": (pm.dense(R), (3, 2), {"weight": (2, 3), "bias": (2,)}),
    "residual": (residual(serial(L, tanh)), (3, 3), {"0.weight": (3, 3), "0.bias": (3,)}),
    "fan_sum": (
        pm.fan_sum(L, serial(R, L)),
        (3, 2, 2),
        {"0.weight": (2, 3), "0.bias": (2,), "1.1.weight": (2, 3), "1.1.bias": (2,)},
    ),
    "parallel": (
        serial(pm.parallel(L, pm.identity), L),
        (3, 2, 4),
        {"0.0.weight": (2, 3), "0.0.bias": (2,), "1.weight": (4, 5), "1.bias": (4,)},
    ),
    "remat": (pm.remat(serial(L, R)), (3, 2), {"0.weight": (2, 3), "0.bias": (2,)}),
    "tag": (pm.tag(L, Tensor, Tensor), (3, 2), {"weight": (2, 3), "bias": (2,)}),
    "swapped": (attrs.evolve(linear, bwd=linear_bottom.bwd), (3, 2), {"weight": (2, 3), "bias": (2,)}),
}


@pytest.mark.parametrize("name", NETS)
def test_every_combinator(name: str) -> None:
    net, sizes, shapes = NETS[name]
    params = init(net, sizes, seeded())[1]
    assert {path: tuple(t.shape) for path, t in tree_items(params)} == shapes
    y, cache = net.fwd(params, torch.ones(5, 3))
    assert type(net.bwd(params, cache, torch.ones_like(y))[1]) is type(params)


def test_from_an_input() -> None:
    x = torch.ones(4, 6, 3, dtype=torch.float64)
    params = init(serial(linear, relu, linear), (x, 5, 2), seeded())[1]
    assert [(tuple(t.shape), t.dtype) for t in tree_leaves(params)] == [(s, torch.float64) for s in ((5, 3), (5,), (2, 5), (2,))]
    square = init(serial(linear, residual(linear)), x, seeded(), draw=pm.orthogonal)[1]
    assert [tuple(t.shape) for t in tree_leaves(square)] == [(3, 3), (3,)] * 2
    half = init(linear, (3, 2), seeded(), draw=pm.kaiming_normal, dtype=torch.bfloat16)[1]
    assert half.weight.dtype == torch.bfloat16


class Own:
    """Params of a layer that init does not know."""


scaled: Layer[Any, Any] = Layer(lambda p, x: (p.factor * x, x), lambda p, x, dy: (p.factor * dy, p))
REFUSED: dict[str, tuple[Layer[Any, Any], Any, str]] = {
    "widths": (serial(linear, residual(linear)), (3, 4, 5), r"layer 1 \(residual\): the input \(1, 4\) .* linear \(1, 5\)"),
    "sum": (pm.fan_sum(linear, linear), (3, 4, 5), r"outputs of linear \(1, 4\) float32 and linear \(1, 5\)"),
    "few": (serial(linear, linear), (3, 4), r"layer 1 \(linear\): no width is left of 2 sizes"),
    "many": (serial(linear, linear), (3, 4, 5, 6), r"init: the sizes \[6\] are left over: the net has 2 linear layers"),
    "none": (linear, (), r"init: sizes of class tuple; expected"),
    "zero": (serial(linear), (3, 0), r"init: sizes 3, 0; expected .* at least 1"),
    "ensemble": (pm.ensemble(linear), (3, 2), "init: an ensemble has params for each of its members"),
    "own": (serial(linear, scaled), (3, 2), r"layer 1 \(<lambda>\): init gives \(\) to <lambda>, which has params of its own"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_meet_is_named(name: str) -> None:
    net, sizes, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        init(net, sizes, seeded())


def test_the_summary() -> None:
    net, params = init(serial(linear_bottom, relu, pm.remat(serial(linear, tanh)), pm.unit), (3, 5, 2), seeded())
    lines = [line.split() for line in summary(net, params, torch.ones(7, 3)).splitlines()]
    assert lines[0][:3] == ["layer", "output", "params"]
    assert [line[0] for line in lines[1:]] == ["serial", "linear", "relu", "remat", "serial", "linear", "tanh", "serial", "sum"]
    first, second, total = lines[2], lines[6], lines[-1]
    assert first == ["linear", "(7,", "5)", "20", str(7 * 3 * 4), str(2 * 7 * 3 * 5), str(2 * 7 * 3 * 5)]
    # computed again, and both of its gradients; the input that remat keeps is the output of relu, which relu keeps
    assert second == ["linear", "(7,", "2)", "12", "0", str(2 * 7 * 5 * 2), str(3 * 2 * 7 * 5 * 2)]
    assert lines[3] == ["relu", "(7,", "5)", "0", str(7 * 5 * 4), "0", "0"]
    assert total == ["sum", "32", str(7 * 8 * 4), str(2 * 7 * 25), str(2 * 7 * 15 + 6 * 7 * 10)]


def test_the_summary_of_one_layer_and_of_none() -> None:
    p = Linear(torch.ones(2, 3), torch.zeros(2))
    assert summary(linear, p, torch.ones(1, 3)).splitlines()[1].split() == ["linear", "(1,", "2)", "8", "12", "12", "24"]
    assert summary(pm.unit, (), torch.ones(1, 3)).splitlines()[-1].split() == ["sum", "0", "0", "0", "0"]
