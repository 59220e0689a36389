"""Kronecker factors, their eigenbasis and the natural gradient, and the diagonal of the Gauss-Newton matrix, against dense ones."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from examples import BLOCK_PARAMS, BLOCKS, CASES, F64, MLP, Case, affine, flat, made
from torch import Tensor

import pure_mlp as pm
from pure_mlp import Linear, ekfac, ggn_diagonal, kfac, natural_gradient, tree_leaves, tree_map
from pure_mlp.losses.curvature import curvature
from pure_mlp.quantities.roots import loss_roots

over_cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
ONE_LAYER = made(pm.linear_bottom, affine(3, 4, 1), (7,))
ONE_EXAMPLE = made(pm.serial(pm.linear, pm.linear), (affine(3, 4, 1), affine(4, 2, 2)), (1,), pm.squared_norm)
ONE_OF_CLASSES = made(*MLP, (1,), pm.cross_entropy, classes=True)
SEVERAL_ROWS = made(pm.linear_bottom, affine(3, 4, 1), (2, 3))
EXACT = {
    "one linear layer": ONE_LAYER,
    "several rows": SEVERAL_ROWS,
    "one example of a linear net": ONE_EXAMPLE,
    "one example": ONE_OF_CLASSES,
}
LINEAR = ("mlp", "mlp of relu", "classes", "several rows an example", "wide")


def close(actual: Any, expected: Any) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-11)


def layers(tree: Any) -> list[Any]:
    """The records of the layers, whatever tuples they stand in."""
    return [leaf for part in tree for leaf in layers(part)] if isinstance(tree, tuple) else [tree]


def hessian_of_loss(case: Case) -> Tensor:
    y_hat = case.net.fwd(case.params, case.x)[0]
    rows = torch.eye(y_hat.numel(), dtype=F64).unflatten(1, y_hat.shape)
    return torch.stack([curvature(case.loss, case.y, y_hat, row).flatten() for row in rows])


def jacobians(case: Case) -> list[Tensor]:
    """dy_hat/d(W, b) of each linear layer: (outputs, out (in + 1)), the bias as the last column of the weight."""
    return [
        torch.cat((J.weight, J.bias.unsqueeze(-1)), -1).flatten(-2).flatten(0, -2)
        for J in layers(pm.jacobian(case.net, case.params, case.x))
    ]


def blocks(case: Case) -> list[Tensor]:
    return [J.mT @ hessian_of_loss(case) @ J for J in jacobians(case)]


@over_cases
def test_jacobians(case: Case) -> None:
    net, params, x, _, _ = case
    oracle: Any = torch.func.jacrev(lambda p: net.fwd(p, x)[0])(params)
    close(tree_leaves(pm.jacobian(net, params, x)), tree_leaves(oracle))
    empty = pm.jacobian(net, params, x[:0])
    assert {t.numel() for t in tree_leaves(empty)} == {0}


@over_cases
def test_roots_of_losses(case: Case) -> None:
    y_hat = case.net.fwd(case.params, case.x)[0]
    R = loss_roots(case.loss, case.y, y_hat).flatten(2)
    H = hessian_of_loss(case).view(len(y_hat), R.shape[2], len(y_hat), R.shape[2])
    close(torch.einsum("kbi,kbj->bij", R, R), torch.stack([H[b, :, b] for b in range(len(y_hat))]))


@over_cases
def test_the_diagonal_of_the_gauss_newton_matrix(case: Case) -> None:
    net, params, x, y, loss = case
    J = flat(pm.jacobian(net, params, x), net.fwd(params, x)[0].dim()).flatten(0, -2)
    diagonal = ggn_diagonal(net, loss)(params, x, y)
    assert type(diagonal) is type(params)
    close(flat(diagonal), (J.mT @ hessian_of_loss(case) @ J).diagonal())


@pytest.mark.parametrize("case", EXACT.values(), ids=EXACT.keys())
def test_where_the_kronecker_product_is_the_block_itself(case: Case) -> None:
    net, params, x, y, loss = case
    factors = kfac(net, loss)(params, x, y)
    for block, dense in zip(layers(factors), blocks(case), strict=True):
        close(torch.kron(block.G, block.A), dense)
    for basis, dense in zip(layers(ekfac(net, loss)(params, x, y, factors)), blocks(case), strict=True):
        close(whole(basis), dense)


def whole(basis: pm.Eigenbasis) -> Tensor:
    Q = torch.kron(basis.V, basis.U)
    return (Q * basis.S.flatten()) @ Q.mT


@pytest.mark.parametrize("name", LINEAR)
def test_factors_and_scales(name: str) -> None:
    """K-FAC's factors are symmetric and its eigenbasis orthogonal; EKFAC has the block's diagonal in it, and so is nearer."""
    case = CASES[name]
    net, params, x, y, loss = case
    factors = kfac(net, loss)(params, x, y)
    found = ekfac(net, loss)(params, x, y, factors)
    assert type(factors) is type(params)
    for block, basis, dense in zip(layers(factors), layers(found), blocks(case), strict=True):
        close(block.A, block.A.mT)
        close(block.G, block.G.mT)
        Q = torch.kron(basis.V, basis.U)
        close(Q.mT @ Q, torch.eye(len(Q), dtype=F64))
        close(Q.mT @ torch.kron(block.G, block.A) @ Q, torch.kron(*eigenvalues(block)).diag())
        close(basis.S.flatten(), (Q.mT @ dense @ Q).diagonal())
        assert (whole(basis) - dense).norm() <= (torch.kron(block.G, block.A) - dense).norm() + 1e-12
    again = ekfac(net, loss)(params, x, y, found)
    assert all(map(torch.equal, tree_leaves(again), tree_leaves(found)))


def eigenvalues(block: pm.Kronecker) -> tuple[Tensor, Tensor]:
    return torch.linalg.eigvalsh(block.G), torch.linalg.eigvalsh(block.A)


@pytest.mark.parametrize("name", LINEAR)
def test_the_natural_gradient_solves_the_damped_blocks(name: str) -> None:
    net, params, x, y, loss = CASES[name]
    factors = kfac(net, loss)(params, x, y)
    found = ekfac(net, loss)(params, x, y, factors)
    grads = pm.value_and_grad(net, loss)(params, x, y)[1]
    for tree, dense in ((factors, lambda b: torch.kron(b.G, b.A)), (found, whole)):
        steps = natural_gradient(tree, grads, 0.1)
        assert type(steps) is type(params)
        for step, block, grad in zip(layers(steps), layers(tree), layers(grads), strict=True):
            if isinstance(step, Linear):
                matrix = dense(block) + 0.1 * torch.eye(step.weight.numel() + step.bias.numel(), dtype=F64)
                joined = torch.cat((grad.weight, grad.bias.unsqueeze(1)), 1).flatten()
                found_step = torch.cat((step.weight, step.bias.unsqueeze(1)), 1).flatten()
                close(matrix @ found_step, joined)


def test_one_step_solves_a_linear_regression() -> None:
    """As Newton's method does, which it is there."""
    net, params, x, y, loss = ONE_LAYER
    grads = pm.value_and_grad(net, loss)(params, x, y)[1]
    steps = natural_gradient(kfac(net, loss)(params, x, y), grads, 1e-14)
    better = tree_map(torch.sub, params, steps)
    gradient = flat(pm.value_and_grad(net, loss)(better, x, y)[1])
    assert gradient.norm() < 1e-10 * flat(grads).norm()


def test_low_precision_and_an_empty_batch() -> None:
    """Half precision is factored in float32, and the step is of the dtype of the gradients."""
    net, params, x, y, loss = CASES["mlp"]
    half = tree_map(lambda t: t.to(torch.bfloat16), (params, x, y))
    factors = kfac(net, loss)(*half)
    assert {t.dtype for t in tree_leaves(factors)} == {torch.float32}
    assert {t.dtype for t in tree_leaves(natural_gradient(factors, half[0], 0.1))} == {torch.bfloat16}
    exact = kfac(net, loss)(*tree_map(lambda t: t.to(F64), half))
    for a, b in zip(tree_leaves(factors), tree_leaves(exact), strict=True):
        torch.testing.assert_close(a.double(), b, atol=0.05 * float(b.abs().amax()), rtol=0.05)
    assert not flat(kfac(net, loss)(params, x[:0], y[:0])).any()
    assert not flat(ggn_diagonal(net, loss)(params, x[:0], y[:0])).any()


def test_what_has_no_factors_is_refused() -> None:
    net, params, x, y, loss = CASES["blocks"]
    with pytest.raises(ValueError, match=r"K-FAC: scale has params and is not linear, there are no factors for it"):
        kfac(net, loss)(params, x, y)
    net, params, x, y, loss = CASES["mlp"]
    factors = kfac(net, loss)(params, x, y)
    with pytest.raises(ValueError, match="damping 0, expected > 0"):
        natural_gradient(factors, params, 0)
    others = tree_map(lambda t: t[:-1, :-1], factors)
    with pytest.raises(ValueError, match="ekfac: a block of 5 by 3, expected 6 by 4 for the linear layer"):
        ekfac(net, loss)(params, x, y, others)
    with pytest.raises(ValueError, match="K-FAC: tuple of 3 against tuple of 1, expected blocks and params of one net"):
        natural_gradient(factors, params[:1], 0.1)
    stacked = tree_map(lambda p: torch.stack((p, p)), params[0])
    with pytest.raises(ValueError, match="K-FAC: an ensemble is several linear layers in one"):
        kfac(pm.ensemble(pm.linear), loss)(stacked, torch.stack((x, x)), torch.zeros(2, len(x), 6, dtype=F64))
    with pytest.raises(ValueError, match="does not say its second derivatives"):
        kfac(net, lambda y, y_hat: pm.mse(y, y_hat))(params, x, y)


def test_layers_of_ones_own_have_a_diagonal() -> None:
    """Formed example by example; and a rule for credit changes what comes down, as it does for gradients."""
    case = made(BLOCKS, BLOCK_PARAMS, (3,), partial(pm.squared_norm, reduction="mean"))
    net, params, x, y, loss = case
    assert ggn_diagonal(net, loss)(params, x, y)[2].factor.shape == (4,)
    rule = pm.feedback_alignment(MLP[0], tree_map(torch.cos, MLP[1]))
    net, params, x, y, loss = CASES["mlp"]
    other = kfac(rule, loss)(params, x, y)
    close(other[2].G, kfac(net, loss)(params, x, y)[2].G)
    assert not torch.equal(other[0].G, kfac(net, loss)(params, x, y)[0].G)
