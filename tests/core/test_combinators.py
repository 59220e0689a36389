"""Layers made from layers: what each computes, what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import (
    Activation,
    Layer,
    Linear,
    dense,
    ensemble,
    fan_sum,
    identity,
    linear,
    linear_bottom,
    linear_init,
    merge,
    mlp,
    mse,
    parallel,
    relu,
    remat,
    residual,
    scored,
    serial,
    sgd,
    sigmoid,
    tag,
    tanh,
    training_step,
    tree_leaves,
    tree_map,
)


def affine(n_in: int, n_out: int, seed: int = 0) -> Linear:
    return linear_init(n_in, n_out, Generator().manual_seed(seed), torch.float64)


def normal(*shape: int, seed: int = 9) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


def close(actual: object, expected: object) -> None:
    torch.testing.assert_close(tree_leaves(actual), tree_leaves(expected), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("sizes", [(3, 4, 2), (1, 1, 1), (2, 7, 5)])
def test_merge_is_the_composition(sizes: tuple[int, int, int]) -> None:
    first, second, x = affine(sizes[0], sizes[1]), affine(sizes[1], sizes[2], 1), normal(6, sizes[0])
    merged = merge(first, second)
    assert merged.weight.shape == (sizes[2], sizes[0])
    close(linear.fwd(merged, x)[0], serial(linear, linear).fwd((first, second), x)[0])


def test_merge_is_associative() -> None:
    a, b, c = affine(3, 4), affine(4, 2, 1), affine(2, 5, 2)
    close(merge(merge(a, b), c), merge(a, merge(b, c)))


def test_merge_refuses_widths_that_do_not_meet() -> None:
    with pytest.raises(ValueError, match=re.escape("merge: first weight (4, 3) float64, second (2, 5) float64 takes (*, 5)")):
        merge(affine(3, 4), affine(5, 2))


def test_fan_sum_and_parallel_are_sums_and_concatenations() -> None:
    p, q, x, dy = affine(3, 2), affine(3, 2, 1), normal(5, 3), normal(5, 2)
    y, cache = fan_sum(linear, linear).fwd((p, q), x)
    close(y, linear.fwd(p, x)[0] + linear.fwd(q, x)[0])
    (dx_p, grads_p), (dx_q, grads_q) = linear.bwd(p, x, dy), linear.bwd(q, x, dy)
    close(fan_sum(linear, linear).bwd((p, q), cache, dy), (dx_p + dx_q, (grads_p, grads_q)))

    z, kept = parallel(linear, linear).fwd((p, q), x)
    close(z, torch.cat((linear.fwd(p, x)[0], linear.fwd(q, x)[0]), 1))
    close(parallel(linear, linear).bwd((p, q), kept, torch.cat((dy, dy), 1)), (dx_p + dx_q, (grads_p, grads_q)))


def test_parallel_is_one_linear_layer_with_stacked_weights() -> None:
    p, q, x, dy = affine(3, 2), affine(3, 4, 1), normal(5, 3), normal(5, 6)
    both = tree_map(lambda a, b: torch.cat((a, b)), p, q)
    y, cache = parallel(linear, linear).fwd((p, q), x)
    dx, (grads_p, grads_q) = parallel(linear, linear).bwd((p, q), cache, dy)
    close((y, dx, tree_map(lambda a, b: torch.cat((a, b)), grads_p, grads_q)), (linear.fwd(both, x)[0], *linear.bwd(both, x, dy)))


@pytest.mark.parametrize("combine", [fan_sum, parallel])
def test_an_error_in_a_branch_names_its_layer(combine: Callable[..., Layer[Any, Any]]) -> None:
    net = combine(dense(relu), serial(linear, relu))
    with pytest.raises(ValueError, match=re.escape("layer 0 (linear): input (5, 3) float64, weight (2, 4) float64 takes (*, 4)")):
        net.fwd((affine(3, 2), (affine(4, 2), ())), normal(5, 3))


def test_sums_never_broadcast_and_dtypes_never_promote() -> None:
    with pytest.raises(
        ValueError, match=re.escape("the outputs of linear (5, 2) float64 and linear (5, 1) float64 cannot be added")
    ):
        fan_sum(linear, linear).fwd((affine(3, 2), affine(3, 1)), normal(5, 3))
    with pytest.raises(
        ValueError, match=re.escape("the input (5, 3) float64 and the output of linear (5, 1) float64 cannot be added")
    ):
        residual(linear).fwd(affine(3, 1), normal(5, 3))
    with pytest.raises(
        ValueError, match=re.escape("the outputs of identity (5, 3) float64 and scored () float64 cannot be joined")
    ):
        parallel(identity, scored(mse, normal(5, 3))).fwd(((), ()), normal(5, 3))


def test_a_tag_is_the_layer_itself() -> None:
    assert tag(relu, Tensor, Tensor) is relu


def test_a_cotangent_of_the_wrong_width_is_refused() -> None:
    p, x = (affine(3, 2), affine(3, 2)), normal(5, 3)
    cases: list[tuple[Layer[Any, Any], int]] = [(fan_sum(linear, linear), 3), (parallel(linear, linear), 5)]
    for net, width in cases:
        cache = net.fwd(p, x)[1]
        with pytest.raises(ValueError, match=re.escape("dy (5, ")):
            net.bwd(p, cache, normal(5, width))


@pytest.mark.parametrize("f", [relu, sigmoid, tanh, identity], ids=str)
@pytest.mark.parametrize("leading", [(5,), (1,), (0,), (2, 3), ()], ids=str)
def test_dense_is_affine_then_activation_to_the_bit(f: Activation, leading: tuple[int, ...]) -> None:
    p, x, dy = affine(3, 4), normal(*leading, 3), normal(*leading, 4)
    y, cache = dense(f).fwd(p, x)
    z, (kept, out) = serial(linear, f).fwd((p, ()), x)
    dx, (grads, _) = serial(linear, f).bwd((p, ()), (kept, out), dy)
    for a, b in zip(tree_leaves((y, cache, dense(f).bwd(p, cache, dy))), tree_leaves((z, (kept, out), (dx, grads)))):
        assert torch.equal(a, b)
    grads_only = dense(f, linear_bottom).bwd(p, cache, dy)[1]
    close(grads_only, grads)


def test_remat_of_remat_is_remat() -> None:
    p, x, dy = affine(3, 4), normal(5, 3), normal(5, 4)
    close(remat(remat(dense(tanh))).bwd(p, x, dy), remat(dense(tanh)).bwd(p, x, dy))


def test_an_ensemble_of_nets_is_each_net() -> None:
    drawn = [mlp((3, 6, 4, 2), Generator().manual_seed(seed), relu, dtype=torch.float64) for seed in range(3)]
    net, members = drawn[0][0], [params for _, params in drawn]
    stacked = tree_map(lambda *ts: torch.stack(ts), *members)
    x, dy = normal(3, 5, 3), normal(3, 5, 2)
    y, cache = ensemble(net).fwd(stacked, x)
    _, grads = ensemble(net).bwd(stacked, cache, dy)
    for i, params in enumerate(members):
        y_i, cache_i = net.fwd(params, x[i])
        close(tuple(t[i] for t in tree_leaves((y, grads))), tuple(tree_leaves((y_i, net.bwd(params, cache_i, dy[i])[1]))))


def test_an_ensemble_refuses_members_that_do_not_match() -> None:
    stacked = tree_map(lambda p, q: torch.stack((p, q)), affine(3, 2), affine(3, 2, 1))
    with pytest.raises(ValueError, match="same size in the mapped dimension"):
        ensemble(linear).fwd(stacked, normal(3, 5, 3))


def test_a_scored_net_scales_its_gradient_by_the_cotangent() -> None:
    layer, y_hat = scored(mse, normal(4, 2)), normal(4, 2, seed=1)
    J, dy_hat = layer.fwd((), y_hat)
    close(layer.bwd((), dy_hat, 3 * torch.ones_like(J))[0], 3 * mse(normal(4, 2), y_hat)[1])


def test_every_combinator_trains() -> None:
    """A net of all of them learns a linear map: its loss falls by a thousand."""
    hidden = serial(remat(dense(tanh)), parallel(dense(tanh), identity), residual(dense(tanh)), fan_sum(linear, linear))
    params = (affine(3, 4), (affine(4, 4, 1), ()), affine(8, 8, 2), (affine(8, 2, 3), affine(8, 2, 4)))
    x = normal(64, 3)
    step, carry = training_step(hidden, mse, sgd(0.2, 0.9)), (params, sgd(0.2, 0.9).init(params))
    losses = []
    for _ in range(300):
        carry, J = step(carry, (x, x[:, :2] - x[:, 1:]))
        losses.append(J.item())
    assert losses[-1] < losses[0] / 1000
