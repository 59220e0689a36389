"""Every layer of the table against differences and autograd, over shapes, layouts and dtypes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from checks import check_differences, check_vjp
from oracles import close
from tables import IN, LAYERS, Row, lattice
from torch import Generator, Tensor, nn

import pure_mlp as pm
from pure_mlp import tree_leaves, tree_map

over_layers = pytest.mark.parametrize("row", LAYERS, ids=[row.name for row in LAYERS])


def strided(t: Tensor) -> Tensor:
    """The same values, two elements apart in storage."""
    return t.unsqueeze(-1).expand(*t.shape, 2).contiguous()[..., 0]


def transposed(t: Tensor) -> Tensor:
    """The same values, stored in the reverse order of dimensions."""
    back = tuple(reversed(range(t.dim())))
    return t.permute(back).contiguous().permute(back)


LAYOUTS: list[Callable[[Tensor], Tensor]] = [strided, transposed]


@over_layers
def test_gradients_equal_autograd(row: Row) -> None:
    for shape in row.input_shapes():
        check_vjp(row, row.layer, *row.draw(shape))


@over_layers
def test_gradients_equal_differences(row: Row) -> None:
    for shape in row.input_shapes():
        if not row.example or 257 not in shape:  # numbers by the thousand
            check_differences(row, row.layer, *row.draw(shape))


@over_layers
@pytest.mark.parametrize("layout", LAYOUTS)
def test_non_contiguous(row: Row, layout: Callable[[Tensor], Tensor]) -> None:
    for shape in ((5, IN), (2, 3, IN)):
        params, x, dy = row.draw(shape)
        assert not layout(x).is_contiguous()
        check_vjp(row, row.layer, tree_map(layout, params), layout(x), layout(dy))
    check_vjp(row, row.layer, params, x[:1].expand(4, *x.shape[1:]), dy[:1].expand(4, *dy.shape[1:]))


@over_layers
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_low_precision(row: Row, dtype: torch.dtype) -> None:
    """The dtype is kept everywhere, and values are those of float64 within rounding: the inputs are the same numbers."""
    params, x, dy = row.draw((7, IN), dtype)
    y, cache = row.layer.fwd(params, x)
    dx, grads = row.layer.bwd(params, cache, dy)
    kept = [t for t in tree_leaves(cache) if t.is_floating_point()]
    assert {t.dtype for t in (y, *kept, *tree_leaves(grads))} | ({dx.dtype} if row.has_dx else set()) == {dtype}
    exact = row.draw((7, IN))
    y64, cache64 = row.layer.fwd(*exact[:2])
    dx64, grads64 = row.layer.bwd(exact[0], cache64, exact[2])
    eps = torch.finfo(dtype).eps
    pairs = [(y, y64), *([(dx, dx64)] if row.has_dx else []), *zip(tree_leaves(grads), tree_leaves(grads64))]
    for actual, expected in pairs:
        close("low precision", actual.double(), expected, atol=8 * eps, rtol=4 * eps)


@over_layers
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_forward_equals_torch_to_the_bit(row: Row, dtype: torch.dtype) -> None:
    if row.reference is None or not row.to_the_bit:
        return
    for shape in row.input_shapes():
        params, x, _ = row.draw(shape, dtype)
        assert torch.equal(row.layer.fwd(params, x)[0], row.reference(params, x))


@pytest.mark.parametrize(
    ("layer", "module"),
    [(pm.identity, nn.Identity()), (pm.relu, nn.ReLU()), (pm.sigmoid, nn.Sigmoid()), (pm.tanh, nn.Tanh()), (pm.silu, nn.SiLU())],
    ids=str,
)
def test_modules_to_the_bit(layer: pm.Activation, module: nn.Module) -> None:
    x = 20 * torch.randn(257, IN, generator=Generator().manual_seed(0))
    assert torch.equal(layer.fwd((), x)[0], module(x))


@pytest.mark.parametrize("lead", [(), (1,), (64,), (2, 3)])
def test_nn_linear_to_the_bit(lead: tuple[int, ...]) -> None:
    g = Generator().manual_seed(0)
    params, x = pm.linear_init(100, 30, g), torch.randn(*lead, 100, generator=g)
    module = nn.Linear(100, 30)
    with torch.no_grad():
        module.weight.copy_(params.weight)
        module.bias.copy_(params.bias)
    assert torch.equal(pm.linear.fwd(params, x)[0], module(x))


@over_layers
def test_backward_is_linear_in_the_cotangent(row: Row) -> None:
    params, x, u = row.draw((7, IN))
    v = lattice(Generator().manual_seed(1), *u.shape)
    _, cache = row.layer.fwd(params, x)

    def pulled(dy: Tensor) -> list[Tensor]:
        return tree_leaves(row.layer.bwd(params, cache, dy))

    for both, a, b in zip(pulled(3 * u - 0.7 * v), pulled(u), pulled(v), strict=True):
        close("linearity", both, 3 * a - 0.7 * b, atol=1e-12, rtol=1e-12)


@over_layers
def test_the_same_bits_every_time(row: Row) -> None:
    def run() -> list[Tensor]:
        params, x, dy = row.draw((257, IN), torch.float32)
        y, cache = row.layer.fwd(params, x)
        return tree_leaves((y, cache, row.layer.bwd(params, cache, dy)))

    assert all(torch.equal(a, b) for a, b in zip(run(), run(), strict=True))


@pytest.mark.parametrize("lead", [(0,), (1,), (5,), (64,), (257,), (2, 3)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_dense_is_serial_to_the_bit(lead: tuple[int, ...], dtype: torch.dtype) -> None:
    g = Generator().manual_seed(0)
    for n_in, n_out in ((1, 1), (4, 3), (64, 10), (100, 257)):
        params, x = pm.linear_init(n_in, n_out, g, dtype), torch.randn(*lead, n_in, generator=g, dtype=dtype)
        for f in (pm.relu, pm.sigmoid, pm.gelu, pm.identity):
            one, two = pm.dense(f), pm.serial(pm.linear, f)
            y, cache = one.fwd(params, x)
            z, caches = two.fwd((params, ()), x)
            assert torch.equal(y, z)
            ours, theirs = one.bwd(params, cache, torch.cos(y)), two.bwd((params, ()), caches, torch.cos(z))
            assert all(torch.equal(a, b) for a, b in zip(tree_leaves((cache, ours)), tree_leaves((caches, theirs)), strict=True))
