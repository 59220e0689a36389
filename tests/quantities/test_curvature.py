"""Products with Jacobian, Gauss-Newton and Hessian matrices against dense ones, and the second derivatives of losses."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
import pytest
import torch
from examples import CASES, Case, Scale, flat, scale
from loss_table import LOSSES, REDUCTIONS, LossRow
from tables import lattice
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import tree_map
from pure_mlp.losses.curvature import curvature, curved
from pure_mlp.quantities.ggn import ggn_product
from pure_mlp.quantities.jvp import jvp
from pure_mlp.quantities.lanczos import top_eigenvalues

# torch's own rules for forward derivatives are compiled by what torch has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")

over_cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def jacobian(case: Case) -> Tensor:
    """dy_hat/dparams as a matrix."""
    rows = flat(pm.jacobian(case.net, case.params, case.x), case.y.dim() if case.y.is_floating_point() else 2)
    return rows.flatten(0, -2)


def direction(params: Any) -> Any:
    return tree_map(lambda t: torch.cos(3 * t + 1), params)


@over_cases
def test_jacobian_vector_products(case: Case) -> None:
    net, params, x, _, _ = case
    v = direction(params)
    y_hat, moved = jvp(net, params, x, v)
    assert torch.equal(y_hat, net.fwd(params, x)[0])
    torch.testing.assert_close(moved.flatten(), jacobian(case) @ flat(v), atol=1e-13, rtol=1e-12)
    oracle: Any = torch.func.jvp(lambda p: net.fwd(p, x)[0], (params,), (v,))
    torch.testing.assert_close(moved, oracle[1], atol=1e-13, rtol=1e-12)


def test_in_the_input_too() -> None:
    net = pm.serial(pm.linear, pm.tanh)
    params, x, dx = (CASES["mlp"].params[0], ()), CASES["mlp"].x, torch.cos(CASES["mlp"].x)
    oracle: Any = torch.func.jvp(lambda p, x: net.fwd(p, x)[0], (params, x), (direction(params), dx))
    torch.testing.assert_close(jvp(net, params, x, direction(params), dx), oracle, atol=1e-14, rtol=1e-13)


@pytest.mark.parametrize("row", LOSSES, ids=[row.name for row in LOSSES])
def test_curvature_of_losses(row: LossRow) -> None:
    """Of every loss against the derivative of its own gradient, for every reduction and shape."""
    for shape in row.input_shapes():
        for reduction in REDUCTIONS:
            y, y_hat = row.draw(shape)
            v = lattice(Generator().manual_seed(5), *shape)
            bound = partial(row.function, reduction=reduction, **row.options)
            oracle: Any = torch.func.jvp(lambda t, y=y, bound=bound: bound(y, t)[1], (y_hat,), (v,))
            torch.testing.assert_close(curvature(bound, y, y_hat, v), oracle[1], atol=1e-12, rtol=1e-10, equal_nan=True)


def test_curvature_at_the_edges() -> None:
    """Clamped where the gradient is; 0 where a class is impossible or a row ignored."""
    p, y = torch.tensor([0.0, 1.0, 1e-13, 0.5], dtype=torch.float64), torch.tensor([0.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    steep = 1 / torch.tensor(1e-12, dtype=torch.float32).item()
    expected = torch.tensor([steep, steep, steep, 4.0], dtype=torch.float64) / 4
    torch.testing.assert_close(curvature(pm.bce, y, p, torch.ones_like(p)), expected)
    z, v = torch.tensor([[0.0, -torch.inf, 0.0], [1.0, 2.0, 3.0]]), torch.tensor([[1.0, 5.0, 0.0], [1.0, 1.0, 0.0]])
    H_v = curvature(partial(pm.cross_entropy, ignore_index=2), torch.tensor([0, 2]), z, v)
    torch.testing.assert_close(H_v, torch.tensor([[0.25, 0.0, -0.25], [0.0, 0.0, 0.0]]))
    assert curvature(partial(pm.cross_entropy, ignore_index=2), torch.tensor([2, 2]), z, v).tolist() == [[0, 0, 0]] * 2


def test_a_loss_that_does_not_say_is_named() -> None:
    def absolute(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
        return (y_hat - y).abs().sum(), (y_hat - y).sign()

    net, params, x, y, _ = CASES["mlp"]
    with pytest.raises(ValueError, match="the loss absolute does not say its second derivatives"):
        ggn_product(net, absolute)(params, x, y, params)
    flat_loss = curved(lambda y, y_hat, v: torch.zeros_like(v))(absolute)
    assert not flat(ggn_product(net, flat_loss)(params, x, y, params)).any()


@over_cases
def test_gauss_newton_products(case: Case) -> None:
    net, params, x, y, loss = case
    J, y_hat = jacobian(case), net.fwd(params, x)[0]
    rows = torch.eye(y_hat.numel(), dtype=y_hat.dtype).unflatten(1, y_hat.shape)
    H = torch.stack([curvature(loss, y, y_hat, row).flatten() for row in rows])
    torch.testing.assert_close(H, H.mT, atol=1e-15, rtol=1e-12)
    G_v = ggn_product(net, loss)(params, x, y, direction(params))
    assert type(G_v) is type(params)
    torch.testing.assert_close(flat(G_v), J.mT @ H @ J @ flat(direction(params)), atol=1e-12, rtol=1e-11)


def test_what_does_not_fit_is_refused() -> None:
    net, params, x, _, _ = CASES["mlp"]
    with pytest.raises(ValueError, match=r"a direction with \(2, 4\) float64 at 0\.weight, expected \(6, 3\) float64"):
        jvp(net, params, x, params[::-1])
    bare: Any = attrs.evolve(scale, jvp=None)
    own = Scale(torch.ones(3, dtype=x.dtype))
    with pytest.raises(ValueError, match=r"layer 1 \(scale\) jvp: scale has no jvp"):
        jvp(pm.serial(pm.tanh, bare), ((), own), x, ((), own))


def test_the_largest_eigenvalues() -> None:
    """Of a known spectrum, of a rank below the steps, and of the Gauss-Newton matrix of a net."""
    g = Generator().manual_seed(0)
    Q = torch.linalg.qr(torch.randn(30, 30, generator=g, dtype=torch.float64))[0]
    values = torch.cat((torch.tensor([9.0, 5.0, -7.0]), torch.linspace(0, 1, 27))).double()
    A = (Q * values) @ Q.mT

    def product(v: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        out = A @ torch.cat((v[0].flatten(), v[1]))
        return out[:20].view(4, 5), out[20:]

    like = torch.zeros(4, 5, dtype=torch.float64), torch.zeros(10, dtype=torch.float64)
    found = top_eigenvalues(product, like, g, 3, steps=25)
    torch.testing.assert_close(found, torch.tensor([9.0, 5.0, 1.0], dtype=torch.float64), atol=1e-6, rtol=0)
    torch.testing.assert_close(top_eigenvalues(product, like, g, 30), values.sort(descending=True)[0], atol=1e-9, rtol=0)
    assert top_eigenvalues(lambda v: tree_map(torch.zeros_like, v), like, g).tolist() == [0.0]
    with pytest.raises(ValueError, match="count 3, steps 2; expected 1 <= count <= steps"):
        top_eigenvalues(product, like, g, 3, steps=2)

    net, params, x, y, loss = CASES["mlp"]
    J = jacobian(CASES["mlp"])
    exact = torch.linalg.eigvalsh(J.mT @ J * 2 / y.numel()).flip(0)[:4]
    found = top_eigenvalues(partial(ggn_product(net, loss), params, x, y), params, g, 4)
    torch.testing.assert_close(found, exact, atol=1e-10, rtol=1e-9)
