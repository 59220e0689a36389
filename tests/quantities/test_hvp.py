"""Hessian-vector products against those of torch.func, and the second derivatives of every layer against its own backward pass."""

from __future__ import annotations

import re
from typing import Any

import attrs
import pytest
import torch
from examples import CASES, Case, flat, scale
from hypothesis import given
from mutation import mutants
from nets import Drawn, cases, laws
from oracles import close
from tables import IN, LAYERS, Row, lattice
from torch import Generator, Tensor
from torch.utils.flop_counter import FlopCounterMode

import pure_mlp as pm
from pure_mlp import Layer, tree_leaves, tree_map, value_and_grad
from pure_mlp.layer import composition
from pure_mlp.quantities.hvp import hvp, hvp_at

# torch's own rules for forward derivatives are compiled by what torch has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")

PRIMITIVE = [row for row in LAYERS if composition(row.layer) is None]
SCALED = ("blocks", "blocks, several rows")


def check_bwd_jvp(row: Row, layer: Layer[Any, Any]) -> None:
    """Against the forward derivative of the backward pass, dy held, by torch.func."""
    for shape in ((5, IN), (2, 3, IN), (0, IN)):
        params, x, dy = row.draw(shape)
        g = Generator().manual_seed(3)
        dparams, dx = tree_map(lambda t: lattice(g, *t.shape), (params, x))  # noqa: B023
        dx = dx if row.has_dx else torch.zeros_like(dx)

        def pulled(p: Any, x: Tensor = x, dy: Tensor = dy) -> Any:
            return layer.bwd(p, layer.fwd(p, x)[1], dy)[0 if row.has_dx else 1 :]

        oracle: Any = torch.func.jvp(pulled, (params, x)[: 1 + row.has_dx], (dparams, dx)[: 1 + row.has_dx])
        assert layer.bwd_jvp is not None
        found = layer.bwd_jvp(params, layer.fwd(params, x)[1], dy, dparams, dx)[0 if row.has_dx else 1 :]
        assert type(found[-1]) is type(params)
        for a, b in zip(tree_leaves(found), tree_leaves(oracle[1]), strict=True):
            close("second derivative", a, b, atol=1e-12, rtol=1e-12)
    if row.scalars:
        far = torch.tensor([1e300, -1e300, torch.inf, -torch.inf], dtype=torch.float64)
        ones = torch.ones_like(far)
        assert layer.bwd_jvp is not None
        assert not layer.bwd_jvp((), layer.fwd((), far)[1], ones, (), ones)[0].any()


@pytest.mark.parametrize("row", PRIMITIVE, ids=[row.name for row in PRIMITIVE])
def test_second_derivatives_and_every_mutant_of_them(row: Row) -> None:
    """A mutant that takes the zeros of another tensor of that shape, or the tangent where only the shape counts, is the same.

    At 0, where inputs of the table never are, the second derivative of `elu` jumps: see below.
    """
    check_bwd_jvp(row, row.layer)
    assert row.layer.bwd_jvp is not None
    alive = {text for text, f in mutants(row.layer.bwd_jvp) if survives(row, attrs.evolve(row.layer, bwd_jvp=f))}
    assert not {text for text in alive if not re.search(r"zeros_like|y >= 0|^\w+ = \w+\.shape\[-1\]$", text)}


def test_elu_at_0_bends_as_on_the_left() -> None:
    layer, zero, one = pm.elu(0.5), torch.zeros(1), torch.ones(1)
    assert layer.bwd_jvp is not None
    assert layer.bwd_jvp((), layer.fwd((), zero)[1], one, (), one)[0] == 0.5


def survives(row: Row, layer: Layer[Any, Any]) -> bool:
    try:
        check_bwd_jvp(row, layer)
    except (Exception, pytest.fail.Exception):
        return False
    return True


def oracle(case: Case, v: Any) -> Any:
    f = value_and_grad(case.net, case.loss)
    both: Any = torch.func.jvp(lambda p: f(p, case.x, case.y)[1], (case.params,), (v,))
    return both


@pytest.mark.parametrize("name", [name for name in CASES if name not in SCALED])
def test_hessian_vector_products(name: str) -> None:
    case = CASES[name]
    v = tree_map(lambda t: torch.cos(3 * t + 1), case.params)
    found = hvp(case.net, case.loss)(case.params, case.x, case.y, v)
    expected = oracle(case, v)
    assert type(found[1]) is type(case.params)
    torch.testing.assert_close(flat(found[0]), flat(expected[0]), atol=1e-14, rtol=1e-13)
    torch.testing.assert_close(flat(found[1]), flat(expected[1]), atol=1e-13, rtol=1e-11)
    product = hvp_at(case.net, case.loss, case.params, case.x, case.y)
    torch.testing.assert_close(flat(product(v)), flat(found[1]), atol=1e-14, rtol=1e-12)
    assert torch.equal(flat(product(tree_map(lambda t: 2 * t, v))), 2 * flat(product(v)))  # nothing is left behind


@given(cases())
@laws
def test_of_any_net(drawn: Drawn) -> None:
    """Nets without params among them."""
    net, params, x, y = drawn
    case = Case(net, params, x, y, pm.mse)
    if not tree_leaves(params):
        assert tree_leaves(hvp(net, pm.mse)(params, x, y, params)) == []
        return
    v = tree_map(lambda t: torch.cos(3 * t + 1), params)
    found, expected = hvp(net, pm.mse)(params, x, y, v), oracle(case, v)
    torch.testing.assert_close(tree_leaves(found), tree_leaves(expected), atol=1e-11, rtol=1e-10)


def test_the_hessian_is_symmetric() -> None:
    net, params, x, y, loss = CASES["wide"]
    u, v = (tree_map(f, params) for f in (torch.cos, torch.exp))
    H_u, H_v = (hvp(net, loss)(params, x, y, w)[1] for w in (u, v))
    torch.testing.assert_close(flat(u) @ flat(H_v), flat(v) @ flat(H_u), atol=1e-13, rtol=1e-12)


def test_what_is_multiplied() -> None:
    """Of 3 b n^2 for a step of a chain of square linear layers, one of which is the bottom: an exact count, in units of b n^2."""
    g, n, depth = Generator().manual_seed(0), 8, 4
    layers = [pm.linear_bottom, *[pm.linear] * (depth - 1)]
    params = tuple(pm.linear_init(n, n, g) for _ in layers)
    x, y = torch.randn(6, n, generator=g), torch.randn(6, n, generator=g)

    def products(call: Any) -> float:
        with FlopCounterMode(display=False) as counter:
            call()
        count: int = counter.get_total_flops()
        return count / (2 * 6 * n * n)

    net: Any = pm.serial(*layers)
    product = hvp_at(net, pm.mse, params, x, y)
    assert products(lambda: value_and_grad(net, pm.mse)(params, x, y)) == 3 * depth - 1
    assert products(lambda: hvp_at(net, pm.mse, params, x, y)) == 2 * depth - 1
    assert products(lambda: product(params)) == 6 * depth - 4
    assert products(lambda: hvp(net, pm.mse)(params, x, y, params)) == 9 * depth - 5


def test_what_lacks_a_derivative_is_named() -> None:
    net, params, x, y, loss = CASES["blocks"]
    assert scale.bwd_jvp is None
    with pytest.raises(ValueError, match=r"layer 2 \(scale\) backward: scale has no bwd_jvp, which is needed here"):
        hvp(net, loss)(params, x, y, params)
    with pytest.raises(ValueError, match="hvp: the members of an ensemble have a Hessian each"):
        hvp(pm.ensemble(pm.linear), loss)(CASES["mlp"].params[0], x, y, CASES["mlp"].params[0])
