"""Every loss of the table, for every reduction, against torch, differences and autograd; and its edges."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from loss_checks import (
    check_bce_clamps,
    check_cross_entropy_edges,
    check_loss_differences,
    check_loss_refusals,
    check_loss_values,
)
from loss_table import LOSSES, REDUCTIONS, LossRow
from oracles import autograd, close
from tables import IN

import pure_mlp as pm

over_losses = pytest.mark.parametrize("row", LOSSES, ids=[row.name for row in LOSSES])


@over_losses
def test_values_and_gradients_equal_torch(row: LossRow) -> None:
    for shape in row.input_shapes():
        check_loss_values(row, row.loss, *row.draw(shape))


@over_losses
def test_gradients_equal_differences(row: LossRow) -> None:
    for shape in row.input_shapes():
        if shape != (257, IN):
            check_loss_differences(row.loss, *row.draw(shape))
    y, y_hat = row.draw((257, IN))
    check_loss_differences(row.loss, y[:31], y_hat[:31])


@over_losses
def test_non_contiguous(row: LossRow) -> None:
    y, y_hat = row.draw((5, IN))
    check_loss_values(row, row.loss, y.t().contiguous().t(), y_hat.t().contiguous().t())
    check_loss_values(row, row.loss, y[:1].expand_as(y), y_hat[:1].expand_as(y_hat))


@over_losses
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_low_precision(row: LossRow, dtype: torch.dtype) -> None:
    y, y_hat = row.draw((7, IN), dtype)
    eps = torch.finfo(dtype).eps
    for reduction in REDUCTIONS:
        exact = row.loss(y.double() if y.is_floating_point() else y, y_hat.double(), reduction)
        for a, e in zip(row.loss(y, y_hat, reduction), exact):
            assert a.dtype == dtype
            close(reduction, a.double(), e, atol=8 * eps, rtol=4 * eps)


@over_losses
def test_what_does_not_fit_is_refused(row: LossRow) -> None:
    check_loss_refusals(row, row.loss)


@over_losses
def test_the_same_bits_every_time(row: LossRow) -> None:
    first, second = (row.loss(*row.draw((257, IN), torch.float32)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second))


def test_bce_at_0_and_1_has_the_clamps_of_torch() -> None:
    check_bce_clamps(pm.bce)


@pytest.mark.parametrize("p", [-0.1, 1.1, torch.nan])
def test_bce_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(ValueError, match=r"bce: y_hat from .* to .*, expected probabilities in \[0, 1\]"):
        pm.bce(torch.zeros(2), torch.tensor([0.5, p]))


def test_bce_with_logits_does_not_saturate() -> None:
    z = torch.tensor([110.0, -110.0, 110.0, -110.0, 1e4, -1e4])
    y = torch.tensor([0.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    J, dz = pm.bce_with_logits(y, z, "none")
    assert dz.tolist() == [1.0, -1.0, 0.0, torch.sigmoid(z[3]).item(), 1.0, -1.0]
    assert J.tolist() == pytest.approx([110.0, 110.0, 0.0, 0.0, 1e4, 1e4], rel=0, abs=1e-45)
    p = torch.sigmoid(z)
    assert pm.bce(y, p, "none")[0][:2].tolist() == [100.0, 100.0]
    assert pm.sigmoid.bwd((), p, pm.bce(y, p, "none")[1])[0][:1].tolist() == [0.0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_cross_entropy_of_huge_logits(dtype: torch.dtype) -> None:
    z = torch.tensor([[1e4, -1e4, 0], [-1e4, 1e4, 0], [1e4, 1e4, -1e4]], dtype=dtype)
    J, dz = pm.cross_entropy(torch.tensor([0, 0, 2]), z, "none")
    assert J.tolist() == [0.0, 2e4, pytest.approx(2e4 + math.log(2), rel=1e-6)]
    assert dz.tolist() == [[0, 0, 0], [-1, 1, 0], [0.5, 0.5, -1]]


def test_cross_entropy_at_edges() -> None:
    check_cross_entropy_edges(pm.cross_entropy)
    assert pm.cross_entropy(torch.tensor([0]), torch.tensor([[-torch.inf, 0.0]]))[0].item() == torch.inf


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_all_ignored(label_smoothing: float) -> None:
    y, z = torch.full((3,), -100), torch.ones(3, IN)
    J, dz = pm.cross_entropy(y, z, label_smoothing=label_smoothing)
    reference = F.cross_entropy(z, y, label_smoothing=label_smoothing)
    assert reference.isnan()
    assert J.isnan()
    _, dz_ref = autograd(lambda v: F.cross_entropy(v, y, label_smoothing=label_smoothing), torch.ones(()), z)
    close("dz", dz, dz_ref, atol=0.0, rtol=0.0)
    for reduction in ("sum", "batchmean", "none"):
        J, dz = pm.cross_entropy(y, z, reduction, label_smoothing=label_smoothing)
        assert not J.any()
        assert not dz.any()
