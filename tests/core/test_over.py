"""A rule mapped over the parts of a net: the identity rebuilds it; a `linear` that returns norms gives those of each example."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch
from hypothesis import given
from nets import Drawn, cases, laws, run
from torch import Generator, Tensor
from torch.func import vmap

import pure_mlp as pm
from pure_mlp import Layer, Linear, layer_name, linear, linear_bottom, outline, over, tree_leaves, value_and_grad
from pure_mlp.layer import composition


def names(net: Layer[Any, Any]) -> list[str]:
    """The primitive layers, in order."""
    seen: list[str] = []

    def note(layer: Layer[Any, Any, Any, Any]) -> Layer[Any, Any, Any, Any]:
        seen.append(layer_name(layer))
        return layer

    over(note, net)
    return seen


@given(cases())
@laws
def test_the_identity_rebuilds_any_net(case: Drawn) -> None:
    rebuilt = over(lambda f: f, case.net)
    assert run(rebuilt, case.params, case.x, case.dy) == run(case.net, case.params, case.x, case.dy)
    assert str(rebuilt) == str(case.net)


def halved(layer: Layer[Any, Any, Any, Any]) -> Any:
    """The layer with half of its dx."""

    def bwd(params: Any, cache: Any, dy: Any) -> Any:
        dx, grads = layer.bwd(params, cache, dy)
        return pm.tree_map(lambda t: t / 2, dx), grads

    return attrs.evolve(layer, bwd=bwd)


L, R = linear, pm.relu
COMBINED: dict[str, tuple[Layer[Any, Any], list[str]]] = {
    "serial": (pm.serial(L, R, pm.serial(L)), ["linear", "relu", "linear"]),
    "unit": (pm.unit, []),
    "dense": (pm.dense(R), ["linear", "relu"]),
    "dense, not fused": (pm.dense(pm.leaky_relu(0.1)), ["linear", "leaky_relu"]),
    "residual": (pm.residual(pm.serial(L, R)), ["linear", "relu"]),
    "fan_sum": (pm.fan_sum(L, R), ["linear", "relu"]),
    "parallel": (pm.parallel(L, R), ["linear", "relu"]),
    "remat": (pm.remat(pm.dense(R)), ["linear", "relu"]),
    "ensemble": (pm.ensemble(L), ["linear"]),
    "embed_columns": (pm.embed_columns(2), ["embedding", "embedding"]),
    "tag": (pm.tag(pm.serial(L), Tensor, Tensor), ["linear"]),
    "scored": (pm.scored(pm.mse, torch.ones(2)), ["scored"]),
    "swapped": (attrs.evolve(pm.serial(L, R), bwd=pm.serial(L, R).bwd), ["serial"]),
}


@pytest.mark.parametrize("name", COMBINED)
def test_a_rule_meets_every_primitive_layer(name: str) -> None:
    net, expected = COMBINED[name]
    assert names(net) == expected
    assert names(over(halved, net)) == expected


def test_a_rule_reaches_the_backward_pass() -> None:
    """Half of dx in each of n layers is 2^-n of dx."""
    p = pm.linear_init(3, 3, Generator().manual_seed(0), torch.float64)
    x = torch.randn(4, 3, generator=Generator().manual_seed(1), dtype=torch.float64)
    for net, params, n in (
        (pm.serial(L, R, L), (p, (), p), 3),
        (pm.dense(R), p, 2),
        (pm.dense(pm.tanh), p, 2),
        (pm.remat(pm.serial(L, L)), (p, p), 2),
        (pm.fan_sum(L, L), (p, p), 1),
        (pm.parallel(L, L), (p, p), 1),
    ):
        some: Layer[Any, Any] = net
        y, cache = some.fwd(params, x)
        dy = torch.cos(y)
        less = over(halved, some)
        assert torch.equal(less.fwd(params, x)[0], y)
        torch.testing.assert_close(less.bwd(params, cache, dy)[0] * 2**n, some.bwd(params, cache, dy)[0], atol=1e-14, rtol=0)


def squared_norms(layer: Layer[Any, Any, Any, Any]) -> Any:
    """`linear` with |dW_b|^2 = |dy_b|^2 |x_b|^2 and |db_b|^2 = |dy_b|^2 of every example b in the place of its gradients."""
    if layer.fwd is not linear.fwd:
        return layer

    def bwd(params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
        per_dy = dy.square().sum(-1)
        return layer.bwd(params, x, dy)[0] if layer.bwd is linear.bwd else dy, Linear(per_dy * x.square().sum(-1), per_dy)

    return attrs.evolve(layer, bwd=bwd)


@pytest.mark.parametrize("f", [pm.relu, pm.tanh, pm.gelu], ids=layer_name)
def test_norms_of_the_gradients_of_each_example(f: pm.Activation) -> None:
    """Against the norms of the gradients formed one example at a time; the forward pass is that of the net, fused where it was."""
    g = Generator().manual_seed(0)
    net, params = pm.mlp((6, 8, 5, 3), g, f, dtype=torch.float64)
    x, y = (torch.randn(11, n, generator=g, dtype=torch.float64) for n in (6, 3))

    def loss(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
        return pm.squared_norm(y, y_hat)

    formed = vmap(value_and_grad(net, loss), in_dims=(None, 0, 0))(params, x.unsqueeze(1), y.unsqueeze(1))[1]
    J, norms = value_and_grad(over(squared_norms, net), loss)(params, x, y)
    assert torch.equal(J, value_and_grad(net, loss)(params, x, y)[0])
    assert [type(p) for p in norms] == [Linear] * 3
    for each, whole in zip(tree_leaves(norms), tree_leaves(formed), strict=True):
        torch.testing.assert_close(each, whole.square().flatten(1).sum(1), atol=1e-12, rtol=1e-12)


def test_a_net_prints_as_a_tree() -> None:
    net = pm.serial(linear_bottom, pm.relu, pm.residual(pm.dense(pm.tanh)))
    assert str(net).splitlines() == [
        "serial",
        "  linear",
        "  relu",
        "  residual",
        "    dense_tanh",
        "      linear",
        "      tanh",
    ]
    p = pm.linear_init(3, 4, Generator())
    assert outline(net, (p, (), pm.linear_init(4, 4, Generator()))).splitlines()[1] == "  linear: weight (4, 3), bias (4,)"
    assert composition(net) is not None
    assert str(attrs.evolve(net, bwd=net.bwd)) == str(net) or composition(attrs.evolve(net, bwd=net.bwd)) is None
