"""Explanations: relevance is kept, and is input times gradient where it should be; guided backpropagation is that by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from examples import F64, affine
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Layer, Linear, guided_backpropagation, linear, relevance_propagation, serial, tree_leaves, tree_map


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=F64)


X = normal(7, 3, seed=1)
SKIPS = serial(
    pm.dense(pm.relu, pm.linear_bottom),
    pm.residual(serial(linear, pm.tanh)),
    pm.fan_sum(linear, pm.remat(serial(pm.dropout(0.3, 5), linear))),
    pm.parallel(pm.identity, linear),
    pm.gelu,
)
SKIPS_PARAMS = affine(3, 5, 0), (affine(5, 5, 1), ()), (affine(5, 4, 2), ((), affine(5, 4, 3))), ((), affine(4, 2, 4)), ()


def perceptron(f: pm.Activation, bias: bool = True) -> tuple[Layer[Any, Any], Any]:
    net, params = pm.mlp((3, 6, 5, 2), Generator().manual_seed(0), f, dtype=F64)
    return net, tree_map(lambda p: p if p.dim() == 2 or bias else 0 * p, params)


def relevance(net: Layer[Any, Any], params: Any, eps: float, dy: Tensor) -> tuple[Tensor, Any]:
    """x dx, and the parameters times their gradients."""
    explained = relevance_propagation(net, eps)
    dx, grads = explained.bwd(params, explained.fwd(params, X)[1], dy)
    return X * dx, tree_map(torch.mul, params, grads)


def by_hand(params: tuple[Linear, ...], f: Any, eps: float, R: Tensor) -> Tensor:
    """Bach's sum over k, in relevances and with loops."""
    values = [X]
    for p in params:
        z = values[-1] @ p.weight.mT + p.bias
        values += [z, z if p is params[-1] else f(z)]
    for p, x, z in zip(params[::-1], values[-3::-2], values[-2::-2], strict=True):
        lower = torch.zeros_like(x)
        for b, j, k in torch.cartesian_prod(*[torch.arange(n) for n in (len(x), x.shape[1], z.shape[1])]).tolist():
            lower[b, j] += x[b, j] * p.weight[k, j] / (z[b, k] + eps * z[b, k].sign()) * R[b, k]
        R = lower
    return R


@pytest.mark.parametrize(("f", "g"), [(pm.relu, torch.relu), (pm.tanh, torch.tanh), (pm.sigmoid, torch.sigmoid)], ids=str)
@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_relevance_is_the_sum_of_bach(f: pm.Activation, g: Any, eps: float) -> None:
    net, params = perceptron(f)
    y, dy = net.fwd(params, X)[0], normal(7, 2, seed=2)
    torch.testing.assert_close(relevance(net, params, eps, dy)[0], by_hand(params, g, eps, y * dy), atol=1e-11, rtol=1e-10)


@pytest.mark.parametrize("f", [pm.relu, pm.tanh, pm.leaky_relu(), pm.softplus()], ids=str)
def test_relevance_is_kept_without_biases_and_else_they_have_the_rest(f: pm.Activation) -> None:
    """Example by example; with eps what is missing goes to 0 as eps does."""
    net, params = perceptron(f, bias=False)
    y, dy = net.fwd(params, X)[0], normal(7, 2, seed=2)
    kept = (y * dy).sum(1)
    torch.testing.assert_close(relevance(net, params, 0.0, dy)[0].sum(1), kept, atol=1e-12, rtol=1e-11)
    lost = [float((relevance(net, params, eps, dy)[0].sum(1) - kept).abs().max()) for eps in (1e-4, 1e-6, 1e-8)]
    assert lost[0] > 50 * lost[1] > 2500 * lost[2] > 0
    net, params = perceptron(f)
    found, shares = relevance(net, params, 0.0, dy)
    total = found.sum() + sum(layer.bias.sum() for layer in shares)
    torch.testing.assert_close(total, (net.fwd(params, X)[0] * dy).sum(), atol=1e-11, rtol=1e-10)


def test_relevance_is_kept_across_skip_connections() -> None:
    y, dy = SKIPS.fwd(SKIPS_PARAMS, X)[0], normal(7, 6, seed=2)
    found, shares = relevance(SKIPS, SKIPS_PARAMS, 0.0, dy)
    biases = sum(leaf.sum() for leaf in tree_leaves(shares) if leaf.dim() == 1)
    torch.testing.assert_close(found.sum() + biases, (y * dy).sum(), atol=1e-11, rtol=1e-10)


@pytest.mark.parametrize("bias", [True, False])
def test_with_relu_relevance_is_input_times_gradient(bias: bool) -> None:
    net, params = perceptron(pm.relu, bias)
    dy = normal(7, 2, seed=2)
    gradient: Any = torch.func.vjp(lambda x: net.fwd(params, x)[0], X)
    torch.testing.assert_close(relevance(net, params, 0.0, dy)[0], X * gradient[1](dy)[0], atol=1e-14, rtol=1e-13)


def test_units_at_0_pass_nothing_and_nan_stays() -> None:
    params = Linear(torch.tensor([[1.0, -1.0], [2.0, 1.0]]), torch.zeros(2)), ()
    for eps in (0.0, 0.1):
        net = relevance_propagation(serial(linear, pm.sigmoid), eps)
        dx = net.bwd(params, net.fwd(params, torch.ones(1, 2))[1], torch.tensor([[1.0, 0.0]]))[0]
        assert dx.tolist() == [[0.0, 0.0]]
        dx = net.bwd(params, net.fwd(params, torch.tensor([[torch.nan, 1.0]]))[1], torch.ones(1, 2))[0]
        assert dx.isnan().all()


@pytest.mark.parametrize("layer", [pm.softmax, pm.layer_norm(), pm.attention(), pm.embedding], ids=pm.layer_name)
def test_a_layer_without_a_rule_for_relevance_is_named(layer: Layer[Any, Any]) -> None:
    with pytest.raises(ValueError, match=f"no rule for {pm.layer_name(layer)}, which is neither linear nor element by element"):
        relevance_propagation(serial(linear, pm.residual(layer)))
    for eps in (-1.0, float("nan")):
        with pytest.raises(ValueError, match=f"relevance_propagation: eps {eps}, expected >= 0"):
            relevance_propagation(linear, eps)


def test_guided_backpropagation_of_three_layers_by_hand() -> None:
    net, params = perceptron(pm.relu)
    dy = normal(7, 2, seed=2)
    h1 = torch.relu(X @ params[0].weight.mT + params[0].bias)
    h2 = torch.relu(h1 @ params[1].weight.mT + params[1].bias)
    d2 = (h2 > 0) * (dy @ params[2].weight).clamp(min=0)
    d1 = (h1 > 0) * (d2 @ params[1].weight).clamp(min=0)
    guided = guided_backpropagation(net)
    dx, grads = guided.bwd(params, guided.fwd(params, X)[1], dy)
    torch.testing.assert_close(dx, d1 @ params[0].weight, atol=1e-14, rtol=1e-12)
    torch.testing.assert_close(grads[0].weight, d1.mT @ X, atol=1e-14, rtol=1e-12)


def test_guided_is_backpropagation_where_no_cotangent_is_negative_and_without_relu() -> None:
    net, params = perceptron(pm.relu)
    positive = tree_map(lambda p: p.abs() if p.dim() == 2 else p, params)
    for f, p in ((net, positive), (perceptron(pm.tanh)[0], params)):
        dy = normal(7, 2, seed=2).abs()
        exact: Any = torch.func.vjp(lambda x, f=f, p=p: f.fwd(p, x)[0], X)
        guided = guided_backpropagation(f)
        torch.testing.assert_close(guided.bwd(p, guided.fwd(p, X)[1], dy)[0], exact[1](dy)[0], atol=1e-14, rtol=1e-13)
        assert str(guided) == str(f)
    nan = guided_backpropagation(pm.relu).bwd((), torch.tensor([0.0, 1.0]), torch.full((2,), torch.nan))[0]
    assert nan.isnan().tolist() == [False, True]
