"""Every layer's tangent is the transpose of its backward pass, and is what differences say."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
import torch
from checks import named
from hypothesis import given
from mutation import mutants
from nets import Drawn, bits, cases, laws, normal
from oracles import close
from tables import IN, LAYERS, Row, lattice
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Layer, tree_leaves, tree_map
from pure_mlp.layer import composition, tangent

over_layers = pytest.mark.parametrize("row", LAYERS, ids=[row.name for row in LAYERS])


def inner(a: object, b: object) -> tuple[Tensor, Tensor]:
    """<a, b> of two trees, and the sum of the sizes of its terms, which rounding is relative to."""
    terms = [torch.zeros(1, dtype=torch.float64), *((s * t).flatten() for s, t in zip(tree_leaves(a), tree_leaves(b), strict=True))]
    return torch.cat(terms).sum(), torch.cat(terms).abs().sum()


def tangents(params: Any, x: Tensor, seed: int = 1) -> tuple[Any, Tensor]:
    g = Generator().manual_seed(seed)
    return tree_map(lambda t: lattice(g, *t.shape, dtype=t.dtype), (params, x))


def check_transpose(layer: Layer[Any, Any], params: Any, x: Tensor, u: Tensor, has_dx: bool = True) -> None:
    """<u, J v> = <J^T u, v>: without dx, as in `linear_bottom`, x is held."""
    cache = layer.fwd(params, x)[1]
    dparams, dx = tangents(params, x)
    pushed = tangent(layer)(params, cache, dparams, dx)
    assert (pushed.shape, pushed.dtype) == (u.shape, u.dtype)
    back, grads = layer.bwd(params, cache, u)
    forward, size = inner(u, pushed)
    backward, other = inner((back, grads), (dx, dparams)) if has_dx else inner(grads, dparams)
    assert (forward - backward).abs() <= 1e-13 * (size + other)


def check_differences(row: Row, layer: Layer[Any, Any], params: Any, x: Tensor, u: Tensor) -> None:
    """Against 5-point differences along the tangent."""
    dparams, dx = tangents(params, x)
    cache, h = layer.fwd(params, x)[1], 5e-4

    def at(step: float) -> Tensor:
        p = tree_map(lambda t, dt: t + step * dt, params, dparams)
        return layer.fwd(p, x + step * dx if row.has_dx else x)[0]

    slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    close("dy", tangent(layer)(params, cache, dparams, dx), slope, atol=1e-9, rtol=1e-9)


def check_jvp(row: Row, layer: Layer[Any, Any]) -> None:
    """The laws on small inputs, at the kink, at the edges and far from 0; and what is refused."""
    for shape in ((5, IN), (2, 3, IN)):
        check_transpose(layer, *row.draw(shape), row.has_dx)
        check_differences(row, layer, *row.draw(shape))
    params, _, u = row.draw((7, IN))
    edges = torch.tensor([0.0, 1e3, -1e3, -0.0, 0.5, 1e300, -1e300]).double().unsqueeze(1).expand(7, IN)
    if row.scalars:
        check_transpose(layer, params, edges, u)
        x = torch.tensor([torch.inf, -torch.inf, torch.nan], dtype=torch.float64)
        cache, v = layer.fwd(params, x)[1], torch.full((3,), 3.0, dtype=torch.float64)
        close("at inf and NaN", tangent(layer)(params, cache, params, v), layer.bwd(params, cache, v)[0], atol=0, rtol=0)
    params, x, _ = row.draw((5, IN))
    dparams, dx = tangents(params, x)
    for wrong in (dx[:1], dx[..., :1], dx.unsqueeze(0), dx.float(), dx.to("meta")) if row.has_dx else ():
        with pytest.raises(ValueError, match=f"expected {named(x)} as the input"):
            tangent(layer)(params, layer.fwd(params, x)[1], dparams, wrong)


@over_layers
def test_a_tangent_is_the_transpose_of_bwd(row: Row) -> None:
    for shape in row.input_shapes():
        check_transpose(row.layer, *row.draw(shape), row.has_dx)


@over_layers
def test_a_tangent_equals_differences_and_refuses_what_does_not_fit(row: Row) -> None:
    check_jvp(row, row.layer)


@over_layers
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_low_precision(row: Row, dtype: torch.dtype) -> None:
    def pushed(dtype: torch.dtype) -> Tensor:
        params, x, _ = row.draw((7, IN), dtype)
        return tangent(row.layer)(params, row.layer.fwd(params, x)[1], *tangents(params, x))

    eps = torch.finfo(dtype).eps
    assert pushed(dtype).dtype == dtype
    close("low precision", pushed(dtype).double(), pushed(torch.float64), atol=16 * eps, rtol=8 * eps)


PRIMITIVE = [row for row in LAYERS if composition(row.layer) is None]


@pytest.mark.parametrize("row", PRIMITIVE, ids=[row.name for row in PRIMITIVE])
def test_every_mutant_of_a_tangent_is_killed(row: Row) -> None:
    """A slope of 0 hides what it is the slope of."""
    mutated = [(text, attrs.evolve(row.layer, jvp=f)) for text, f in mutants(tangent(row.layer))]
    alive = {text for text, layer in mutated if survives(partial(check_jvp, row), layer)}
    flat = {f"return torch.where(y > 0, dx, {slope})" for slope in ("a / dx", "a", "a * a")}
    smooth = {"return torch.where(y >= 0, dx, dx * (y + a))"}  # at 0 both sides have the slope 1
    assert alive == {"leaky_relu(0)": flat, "elu()": smooth}.get(row.name, set())


def survives(check: Callable[[Layer[Any, Any]], None], layer: Layer[Any, Any]) -> bool:
    try:
        check(layer)
    except (Exception, pytest.fail.Exception):
        return False
    return True


@given(cases())
@laws
def test_of_any_net(drawn: Drawn) -> None:
    """The law, purity and the position in errors."""
    net, params, x, dy = drawn
    check_transpose(net, params, x, dy)
    before = bits(params, x)
    tangent(net)(params, net.fwd(params, x)[1], *tangents(params, x))
    assert bits(params, x) == before


def test_of_an_ensemble_and_of_a_scored_net() -> None:
    g = Generator().manual_seed(0)
    net, params = pm.mlp((3, 4, 2), g, pm.tanh, dtype=torch.float64)
    stacked = tree_map(lambda t: torch.stack((t, 2 * t)), params)
    check_transpose(pm.ensemble(net), stacked, normal((2, 5, 3), g), normal((2, 5, 2), g), has_dx=False)
    scored = pm.serial(net, pm.scored(pm.mse, normal((5, 2), g)))
    check_transpose(scored, (params, ()), normal((5, 3), g), torch.tensor(2.0, dtype=torch.float64), has_dx=False)


def test_a_layer_without_one_is_named() -> None:
    net: Layer[Any, Any] = pm.serial(pm.relu, attrs.evolve(pm.tanh, jvp=None))
    x = torch.ones(2, 3)
    with pytest.raises(ValueError, match=r"layer 1 \(tanh\) jvp: tanh has no jvp, which is needed here"):
        tangent(net)(((), ()), net.fwd(((), ()), x)[1], ((), ()), x)
    with pytest.raises(ValueError, match=r"2 layers \(relu, tanh\), 2 params, 2 caches, 1 tangents of params"):
        tangent(net)(((), ()), net.fwd(((), ()), x)[1], ((),), x)
