"""What is measured is what autograd says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torch.autograd.functional import hessian

from pure_mlp import Linear, Loss, cross_entropy, mlp, mse, tanh, tree_leaves
from pure_mlp.report.measure import angles_between, by_layer, norms, sharpest, singular_values
from pure_mlp.train.step import value_and_grad

G = Generator().manual_seed(0)
NET, PARAMS = mlp((3, 4, 2), G, tanh, dtype=torch.float64)
X, Y = torch.randn(7, 3, generator=G, dtype=torch.float64), torch.randn(7, 2, generator=G, dtype=torch.float64)


def test_norms_and_angles_are_those_of_autograd() -> None:
    params = [t.clone().requires_grad_() for p in PARAMS for t in (p.weight, p.bias)]
    y_hat = (X @ params[0].t() + params[1]).tanh() @ params[2].t() + params[3]
    theirs = torch.autograd.grad((y_hat - Y).square().mean(), params)
    flat = [torch.cat((a.flatten(), b)) for a, b in (theirs[:2], theirs[2:])]
    ours = by_layer(value_and_grad(NET, mse)(PARAMS, X, Y)[1])
    assert all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(ours, flat))
    assert norms(ours) == pytest.approx([t.norm().item() for t in flat], rel=1e-12)
    other = tuple(t.flip(0) for t in ours)
    cosines = [float(a @ b / a.norm() / b.norm()) for a, b in zip(ours, other)]
    assert angles_between(ours, other) == pytest.approx([float(torch.tensor(c).arccos().rad2deg()) for c in cosines], rel=1e-6)
    assert angles_between(ours, ours) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("loss", "theirs", "y"),
    [(mse, F.mse_loss, Y), (cross_entropy, F.cross_entropy, torch.tensor([0, 1, 1, 0, 1, 0, 0]))],
    ids=["mse", "cross_entropy"],
)
def test_the_largest_eigenvalues_are_those_of_the_whole_hessian(loss: Loss, theirs: Callable[..., Tensor], y: Tensor) -> None:
    leaves = tree_leaves(PARAMS)

    def J(flat: Tensor) -> Tensor:
        W1, b1, W2, b2 = (piece.view(t.shape) for piece, t in zip(torch.split(flat, [t.numel() for t in leaves]), leaves))
        return theirs(F.linear(F.linear(X, W1, b1).tanh(), W2, b2), y)

    H = hessian(J, torch.cat([t.flatten() for t in leaves]))
    wanted = torch.linalg.eigvalsh(H).flip(0)[:3]
    assert sharpest(NET, loss, PARAMS, X, y, 3, 26) == pytest.approx(wanted.tolist(), rel=1e-8)


def test_singular_values_are_roots_of_eigenvalues_and_fall() -> None:
    weight = PARAMS[0].weight
    found = singular_values(weight)
    assert [s * s for s in reversed(found)] == pytest.approx(torch.linalg.eigvalsh(weight.t() @ weight).tolist())
    assert all(a >= b for a, b in pairwise(found))


def test_nothing_that_is_measured_changes() -> None:
    params = (Linear(torch.ones(2, 3), torch.ones(2)),)
    before = [t.clone() for t in (*by_layer(params), X, Y)]
    sharpest(NET, mse, PARAMS, X, Y)
    singular_values(params[0].weight)
    assert all(a.equal(b) for a, b in zip((*by_layer(params), X, Y), before))
    assert all(not t.isnan().any() for t in before)
