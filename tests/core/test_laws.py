"""The laws of layers, over nets drawn from the grammar atom | serial | residual | fan_sum | parallel | remat, in float64."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import TypeVar
from unittest import mock

import attrs
import torch
from hypothesis import given
from hypothesis import strategies as st
from nets import Drawn, Net, bits, cases, laws, nets, normal, run, seeds, widths
from torch import Generator, Tensor
from typing_extensions import TypeVarTuple, Unpack

from pure_mlp import (
    Layer,
    Linear,
    ensemble,
    linear,
    linear_init,
    mse,
    relu,
    remat,
    scored,
    serial,
    tree_leaves,
    tree_like,
    tree_map,
    unit,
    value_and_grad,
)

P = TypeVar("P")
C = TypeVar("C")
Ps = TypeVarTuple("Ps")
Cs = TypeVarTuple("Cs")


def close(actual: list[Tensor], expected: list[Tensor]) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)


@laws
@given(cases())
def test_bwd_is_the_vector_jacobian_product_of_fwd(drawn: Drawn) -> None:
    """The oracle differentiates the formula of the fused kernel, for which torch has no derivative."""
    net, params, x, dy = drawn
    dx, grads = net.bwd(params, net.fwd(params, x)[1], dy)
    with mock.patch("pure_mlp.combinators.dense.addmm_relu", lambda b, x, w: torch.relu(torch.addmm(b, x, w))):
        vjp = torch.func.vjp(lambda p, x: net.fwd(p, x)[0], params, x)[1]
    close(tree_leaves((grads, dx)), tree_leaves(vjp(dy)))


@laws
@given(cases())
def test_unit_changes_nothing(drawn: Drawn) -> None:
    net, params, x, dy = drawn
    assert run(serial(unit, net), ((), params), x, dy) == run(serial(net, unit), (params, ()), x, dy) == run(net, params, x, dy)


@laws
@given(st.data())
def test_grouping_changes_nothing(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(widths, min_size=4, max_size=4))
    (a, p), (b, q), (c, r) = (data.draw(nets(n, m, 1)) for n, m in pairwise(sizes))
    g = Generator().manual_seed(data.draw(seeds))
    x, dy = normal((3, sizes[0]), g), normal((3, sizes[-1]), g)
    flat = run(serial(a, b, c), (p, q, r), x, dy)
    assert run(serial(serial(a, b), c), ((p, q), r), x, dy) == flat == run(serial(a, serial(b, c)), (p, (q, r)), x, dy)


def then(net: Layer[tuple[Unpack[Ps]], tuple[Unpack[Cs]]], layer: Layer[P, C]) -> Layer[tuple[Unpack[Ps], P], tuple[Unpack[Cs], C]]:
    """net, then layer: the specification of `serial` is `reduce(then, layers, unit)`."""

    def fwd(params: tuple[Unpack[Ps], P], x: Tensor) -> tuple[Tensor, tuple[Unpack[Cs], C]]:
        y, caches = net.fwd(params[:-1], x)
        z, cache = layer.fwd(params[-1], y)
        return z, (*caches, cache)

    def bwd(params: tuple[Unpack[Ps], P], cache: tuple[Unpack[Cs], C], dz: Tensor) -> tuple[Tensor, tuple[Unpack[Ps], P]]:
        dy, grad = layer.bwd(params[-1], cache[-1], dz)
        dx, grads = net.bwd(params[:-1], cache[:-1], dy)
        return dx, (*grads, grad)

    return Layer(fwd, bwd)


@laws
@given(st.data())
def test_serial_is_the_fold_of_then(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(widths, min_size=1, max_size=5))
    parts = [data.draw(nets(n, m, 1)) for n, m in pairwise(sizes)]
    layers, params = [net for net, _ in parts], tuple(p for _, p in parts)
    g = Generator().manual_seed(data.draw(seeds))
    x, dy = normal((3, sizes[0]), g), normal((3, sizes[-1]), g)
    start: Net = unit
    folded: Net = reduce(then, layers, start)
    assert run(serial(*layers), params, x, dy) == run(folded, params, x, dy)


@laws
@given(cases())
def test_remat_is_the_same_function_with_its_input_as_cache(drawn: Drawn) -> None:
    net, params, x, dy = drawn
    y, cache = remat(net).fwd(params, x)
    z, kept = net.fwd(params, x)
    assert cache is x
    assert bits(y, *remat(net).bwd(params, cache, dy)) == bits(z, *net.bwd(params, kept, dy))


@laws
@given(cases(), seeds)
def test_ensemble_is_map(drawn: Drawn, seed: int) -> None:
    net, params, x, dy = drawn
    g = Generator().manual_seed(seed)
    members = [tree_map(lambda t: normal(tuple(t.shape), g), (params, x, dy)) for _ in range(3)]
    stacked = tree_map(lambda *ts: torch.stack(ts), *members)
    y, cache = ensemble(net).fwd(stacked[0], stacked[1])
    together = (y, *ensemble(net).bwd(stacked[0], cache, stacked[2]))
    for i, (p, x_i, dy_i) in enumerate(members):
        y_i, cache_i = net.fwd(p, x_i)
        close([t[i] for t in tree_leaves(together)], tree_leaves((y_i, *net.bwd(p, cache_i, dy_i))))


@laws
@given(cases(), seeds)
def test_bwd_is_linear_in_dy(drawn: Drawn, seed: int) -> None:
    net, params, x, dy = drawn
    dz = normal(tuple(dy.shape), Generator().manual_seed(seed))
    cache = net.fwd(params, x)[1]
    expected = tree_map(lambda a, b: 2 * a - 3 * b, net.bwd(params, cache, dy), net.bwd(params, cache, dz))
    close(tree_leaves(net.bwd(params, cache, 2 * dy - 3 * dz)), tree_leaves(expected))


@laws
@given(cases())
def test_nothing_passed_in_is_changed(drawn: Drawn) -> None:
    net, params, x, dy = drawn
    given_leaves = tree_leaves((params, x, dy))
    before, versions = bits(params, x, dy), [t._version for t in given_leaves]
    y, cache = net.fwd(params, x)
    after_fwd = bits(y, cache)
    net.bwd(params, cache, dy)
    assert bits(params, x, dy) == before
    assert [t._version for t in given_leaves] == versions
    assert bits(y, cache) == after_fwd


@laws
@given(widths, widths, seeds)
def test_a_swapped_bwd_leaves_fwd_untouched(n_in: int, n_out: int, seed: int) -> None:
    """Feedback alignment (Lillicrap et al., arXiv:1411.0247): dx by a fixed random matrix instead of the weight."""
    g = Generator().manual_seed(seed)
    feedback = normal((n_out, n_in), g)

    def bwd(params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
        return dy @ feedback, linear.bwd(params, x, dy)[1]

    aligned, params = attrs.evolve(linear, bwd=bwd), linear_init(n_in, n_out, g, torch.float64)
    x, dy = normal((3, n_in), g), normal((3, n_out), g)
    assert aligned.fwd is linear.fwd
    assert bits(serial(aligned, relu).fwd((params, ()), x)) == bits(serial(linear, relu).fwd((params, ()), x))
    assert bits(aligned.bwd(params, x, dy)[0]) == bits(dy @ feedback) != bits(linear.bwd(params, x, dy)[0])


@laws
@given(cases())
def test_a_net_scored_by_a_loss_is_value_and_grad(drawn: Drawn) -> None:
    net, params, x, y = drawn
    J, cache = serial(net, scored(mse, y)).fwd((params, ()), x)
    _, (grads, _) = serial(net, scored(mse, y)).bwd((params, ()), cache, torch.ones_like(J))
    assert bits(J, grads) == bits(value_and_grad(net, mse)(params, x, y))


@laws
@given(cases())
def test_a_tree_is_its_leaves(drawn: Drawn) -> None:
    params = drawn.params
    assert bits(tree_like(params, tree_leaves(params))) == bits(params)
