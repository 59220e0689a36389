"""What layers do at kinks, at saturation, with NaN and infinities, and with what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from checks import check_kink_and_edges, check_refusals, check_widths
from oracles import close
from tables import IN, LAYERS, OUT, Row, lattice_linear
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import tree_leaves, tree_map
from pure_mlp.registry.layers import LAYER_ROWS

over_layers = pytest.mark.parametrize("row", LAYERS, ids=[row.name for row in LAYERS])


@over_layers
def test_a_cotangent_that_does_not_fit_is_refused(row: Row) -> None:
    check_refusals(row, row.layer)


@over_layers
def test_conventions_at_kink_and_edges(row: Row) -> None:
    check_kink_and_edges(row, row.layer)


FLOATING = [row for row in LAYERS if not row.inputs]


@pytest.mark.parametrize("row", FLOATING, ids=[row.name for row in FLOATING])
def test_nan_is_not_swallowed(row: Row) -> None:
    params, x, _ = row.draw((5, IN))
    x[2] = torch.nan
    y = row.layer.fwd(params, x)[0]
    assert y[2].isnan().all()
    assert not row.independent or not y[[0, 1, 3, 4]].isnan().any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_saturation_is_exact(dtype: torch.dtype) -> None:
    x = torch.tensor([-1e3, 1e3], dtype=dtype)
    ones = torch.ones_like(x)
    for layer, y, dx in (
        (pm.sigmoid, [0, 1], [0, 0]),
        (pm.tanh, [-1, 1], [0, 0]),
        (pm.softplus(), [0, 1e3], [0, 1]),
        (pm.gelu, [0, 1e3], [0, 1]),
        (pm.gelu_tanh, [0, 1e3], [0, 1]),
        (pm.silu, [0, 1e3], [0, 1]),
    ):
        out, cache = layer.fwd((), x)
        assert out.tolist() == y
        assert layer.bwd((), cache, ones)[0].tolist() == dx
    out, cache = pm.softmax.fwd((), 10 * x)
    assert out.tolist() == [0, 1]
    assert pm.softmax.bwd((), cache, x)[0].tolist() == [0, 0]


def test_softplus_is_exact_where_torch_is_not() -> None:
    """log(1 + e^x) = x + e^-x - ..; torch returns x above 20."""
    x = torch.tensor([21.0, 30.0, -40.0], dtype=torch.float64)
    expected = x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))
    close("softplus", pm.softplus().fwd((), x)[0], expected, atol=0.0, rtol=1e-15)


@pytest.mark.parametrize("poison", [torch.inf, -torch.inf, torch.nan])
def test_a_masked_unit_passes_nothing(poison: float) -> None:
    _, cache = pm.relu.fwd((), torch.tensor([-1.0, 0.0, 2.0]))
    dx, _ = pm.relu.bwd((), cache, torch.tensor([poison, poison, 5.0]))
    assert dx.tolist() == [0.0, 0.0, 5.0]


def test_relu_passes_the_cotangent_where_x_is_nan() -> None:
    _, cache = pm.relu.fwd((), torch.tensor([torch.nan]))
    assert pm.relu.bwd((), cache, torch.tensor([7.0]))[0].tolist() == [7.0]


@pytest.mark.parametrize("layer", [pm.linear, pm.linear_bottom, pm.dense(pm.relu), pm.dense(pm.tanh)], ids=str)
def test_an_input_that_does_not_fit_is_refused(layer: pm.Layer[pm.Linear, Tensor]) -> None:
    params = lattice_linear(Generator().manual_seed(0))
    for wrong in (torch.ones(5, IN + 1), torch.ones(IN, 5), torch.ones(2, 5, 1), torch.ones(5, IN), torch.ones(())):
        x = wrong.double() if wrong.shape != (5, IN) else wrong
        shown = rf"input \({', *'.join(map(str, x.shape))},?\) {str(x.dtype)[6:]}, weight \({OUT}, {IN}\) float64"
        with pytest.raises(ValueError, match=shown):
            layer.fwd(params, x)


AFFINE = [row for row in LAYERS if isinstance(row.draw_params(Generator()), pm.Linear)]


@pytest.mark.parametrize("row", AFFINE, ids=[row.name for row in AFFINE])
def test_widths_that_do_not_fit_are_refused(row: Row) -> None:
    check_widths(row.layer, *row.draw((5, IN)))


MADE = {name: row.make for name, row in LAYER_ROWS.items() if row.make}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("wrong", [-0.1, torch.nan])
def test_options_out_of_range_are_refused(name: str, wrong: float) -> None:
    with pytest.raises(ValueError, match=f"^{name}: .* {wrong}, expected .*>"):
        MADE[name](wrong)


NORMS = {name: LAYER_ROWS[name] for name in ("layer_norm", "rms_norm", "batch_norm")}


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_a_norm_of_a_constant_row_is_finite_and_0_where_there_is_nothing(name: str) -> None:
    row = NORMS[name]
    params = tree_map(Tensor.double, row.init(IN) if row.init else ())
    for value in (0.0, 3.0, 1e-200, 1e150):
        x = torch.full((1, IN), value, dtype=torch.float64)
        y, cache = row.layer.fwd(params, x)
        dx, grads = row.layer.bwd(params, cache, torch.linspace(-1, 1, IN).double().unsqueeze(0))
        assert all(bool(t.isfinite().all()) for t in tree_leaves((y, dx, grads)))
        assert bool(y.any()) == (name == "rms_norm" and value > 0)


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize(("dtype", "offset"), [(torch.float16, 300.0), (torch.bfloat16, 100.0), (torch.float32, 1e4)])
def test_a_norm_keeps_its_digits_far_from_0(name: str, dtype: torch.dtype, offset: float) -> None:
    """Where the mean is large beside the deviation, or squares overflow: within 4 eps of float64 on the same numbers."""
    row = NORMS[name]
    x = (torch.randn(20, 64, generator=Generator().manual_seed(0)) + offset).to(dtype)
    params = row.init(64) if row.init else ()
    y = row.layer.fwd(tree_map(lambda t: t.to(dtype), params), x)[0]
    exact = row.layer.fwd(tree_map(Tensor.double, params), x.double())[0]
    eps = torch.finfo(dtype).eps if dtype != torch.float32 else 1e4 * torch.finfo(dtype).eps
    close("far from 0", y.double(), exact, atol=4 * eps, rtol=4 * eps)


def test_linear_bottom_refuses_a_layer_below() -> None:
    params, x, dy = next(row for row in LAYERS if row.name == "linear").draw((5, IN))
    dx, _ = pm.linear_bottom.bwd(params, x, dy)
    for below in LAYERS:
        under, x_under, _ = below.draw((5, IN))
        with pytest.raises(ValueError, match=r"\(0, 0, 0\)"):
            below.layer.bwd(under, below.layer.fwd(under, x_under)[1], dx)


@pytest.mark.parametrize("layer", [pm.linear, pm.linear_bottom, pm.dense(pm.relu), pm.dense(pm.tanh)])
@pytest.mark.parametrize("bias", [torch.zeros(1), torch.zeros(1, 3), torch.zeros(2), torch.zeros(3, dtype=torch.float64), None])
def test_a_bias_that_torch_would_broadcast_is_refused_going_forward(layer: pm.Layer[Any, Any], bias: Any) -> None:
    with pytest.raises(ValueError, match=r"bias \(.*, expected \(3,\)|params: .*None, expected a Linear of two tensors"):
        layer.fwd(pm.Linear(torch.ones(3, 2), bias), torch.ones(5, 2))
