"""The checks that a loss has to pass, and its mutants to fail."""

from __future__ import annotations

import re
from functools import partial
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from checks import named
from loss_table import REDUCTIONS, LossFunction, LossRow
from oracles import autograd, close, differences
from tables import IN
from torch import Tensor

from pure_mlp import Reduction


def check_loss_values(row: LossRow, loss: LossFunction, y: Tensor, y_hat: Tensor) -> None:
    """J and dJ/dy_hat for every reduction against torch and its autograd; the gradient of none is that of the sum."""
    for reduction in REDUCTIONS:
        check_reduction(row, loss, y, y_hat, reduction)
    assert torch.equal(loss(y, y_hat, "none")[1], loss(y, y_hat, "sum")[1])


def check_reduction(row: LossRow, loss: LossFunction, y: Tensor, y_hat: Tensor, reduction: Reduction) -> None:
    """The same for one reduction."""
    J, dy_hat = loss(y, y_hat, reduction)
    dJ = torch.ones_like(row.expected(y, y_hat, reduction))
    J_ref, dy_hat_ref = autograd(lambda v: row.expected(y, v, reduction), dJ, y_hat)
    close(f"J {reduction}", J, J_ref, atol=1e-12, rtol=1e-12)
    close(f"dJ/dy_hat {reduction}", dy_hat, dy_hat_ref, atol=1e-12, rtol=1e-12)


def check_loss_differences(loss: LossFunction, y: Tensor, y_hat: Tensor) -> None:
    """dJ/dy_hat for every reduction against differences of the loss's own J."""
    for reduction in REDUCTIONS:
        check_reduction_differences(loss, y, y_hat, reduction)


def check_reduction_differences(loss: LossFunction, y: Tensor, y_hat: Tensor, reduction: Reduction) -> None:
    """The same for one reduction."""
    J, dy_hat = loss(y, y_hat, reduction)
    numerical = differences(lambda v: loss(y, v, reduction)[0], y_hat, torch.ones_like(J))
    close(f"dJ/dy_hat {reduction}", dy_hat, numerical, atol=1e-9, rtol=1e-9)


def check_loss_refusals(row: LossRow, loss: LossFunction) -> None:
    """Shapes and dtypes that would broadcast or promote are a `ValueError` that names both; an unknown reduction names the four."""
    y, y_hat = row.draw((5, IN))
    like_label = [y_hat[:, :1], y_hat[:, :2], y_hat.float()] if y.is_floating_point() else []
    for wrong in (y_hat[:1], y_hat[0], y_hat.unsqueeze(0), y_hat.sum(), *like_label):
        with pytest.raises(ValueError, match=named(wrong)) as caught:
            loss(y, wrong)
        assert re.search(named(y), str(caught.value)), caught.value
    for stranger in (y.tolist(), SimpleNamespace(shape=y_hat.shape, dtype=y_hat.dtype)):
        with pytest.raises(ValueError, match=f"y of class {type(stranger).__name__}"):
            loss(stranger, y_hat)
    with pytest.raises(ValueError, match=rf"^{row.name.split('(')[0]}: reduction 'median'.*mean, sum, batchmean, none"):
        loss(y, y_hat, "median")


def check_loss(row: LossRow, loss: LossFunction) -> None:
    """All of the above for a small batch and none: what a wrong loss does not survive."""
    for shape in ((5, IN), (2, 3, IN), (IN,), (0, IN), *([] if row.rows else [()])):
        check_loss_values(row, loss, *row.draw(shape))
    check_loss_differences(loss, *row.draw((3, IN)))
    check_loss_refusals(row, loss)
    y, y_hat = row.draw((5, IN))
    J, dy_hat = loss(y, y_hat)
    assert torch.equal(J, loss(y, y_hat, row.default)[0])
    assert torch.equal(dy_hat, loss(y, y_hat, row.default)[1])


def check_bce_clamps(bce: LossFunction) -> None:
    """At 0 and 1 and next to them J and its gradient are those of torch, to the bit."""
    for dtype in (torch.float64, torch.float32):
        p = torch.tensor([0, 1, 0, 1, 1e-45, 1e-13, 1 - 2**-24, 0, 1], dtype=dtype)
        y = torch.tensor([0, 0, 1, 1, 1, 1, 0, 0.5, 0.5], dtype=dtype)
        for reduction in ("mean", "sum", "none"):
            J, dp = bce(y, p, reduction)
            J_ref, dp_ref = autograd(partial(F.binary_cross_entropy, target=y, reduction=reduction), torch.ones_like(J), p)
            assert torch.equal(J, J_ref)
            assert torch.equal(dp, dp_ref)
            assert dp.isfinite().all()
    for labels, given, told in (
        ([0.0, 0], [0.5, 1.25], "y_hat from 0.5 to 1.25"),
        ([0.0, 0], [-0.5, 0.25], "y_hat from -0.5 to 0.25"),
        ([-1.0, 2], [0.5, torch.nan], "y_hat from nan to nan"),
        ([0.5, 2.0], [0.5, 1.0], "y from 0.5 to 2"),
        ([-2.0, 1.0], [0.0, 1.0], "y from -2 to 1"),
    ):
        with pytest.raises(ValueError, match=rf"bce: {told}, expected probabilities in \[0, 1\]"):
            bce(torch.tensor(labels), torch.tensor(given))


def check_half_sums(loss: LossFunction, y: Tensor, y_hat: Tensor, **options: Tensor) -> None:
    """Where a sum overflows float16, but no mean does, J and its gradient are those of float64, and float16."""
    wide = {name: option.double() for name, option in options.items()}
    for reduction in ("mean", "batchmean"):
        exact = loss(y.double() if y.is_floating_point() else y, y_hat.double(), reduction, **wide)
        for actual, expected in zip(loss(y, y_hat, reduction, **options), exact):
            torch.testing.assert_close(actual, expected.half(), atol=1e-7, rtol=4e-3)


def check_half_bce_with_logits(bce_with_logits: LossFunction) -> None:
    """Four rows of losses near 3e4."""
    y = torch.ones(4, 2, dtype=torch.float16)
    check_half_sums(bce_with_logits, y, -3e4 * y)


def check_half_cross_entropy(cross_entropy: LossFunction) -> None:
    """Four rows of weight 3e4, by index and by probability."""
    z, weight = torch.tensor([[0.0, 0.5]]).half().repeat(4, 1), torch.tensor([3e4, 2e4]).half()
    for y in (torch.zeros(4, dtype=torch.int64), torch.tensor([[0.75, 0.25]]).half().repeat(4, 1)):
        check_half_sums(cross_entropy, y, z, weight=weight)


def check_infinite_logits(bce_with_logits: LossFunction) -> None:
    """An infinite logit costs nothing on the side of its label, and inf on the other."""
    y, z = torch.tensor([0.0, 1, 0, 1, 0.5]), torch.tensor([-torch.inf, torch.inf, torch.inf, -torch.inf, torch.inf])
    assert bce_with_logits(y, z, "none")[0].tolist() == [0, 0, torch.inf, torch.inf, torch.inf]


def check_mse_in_transforms(mse: LossFunction) -> None:
    """In batches and pushed forward the gradient is the same formula."""
    y, y_hat = torch.arange(12.0).view(4, 3), torch.cos(torch.arange(12.0)).view(4, 3)
    dy_hat = torch.func.vmap(mse)(y, y_hat)[1]
    torch.testing.assert_close(dy_hat, torch.stack([mse(a, b)[1] for a, b in zip(y, y_hat)]), atol=1e-6, rtol=1e-6)
    tangent = torch.func.jvp(lambda a, b: mse(a, b)[1], (y, y_hat), (3 * y, 5 * y_hat))[1]
    torch.testing.assert_close(tangent, (5 * y_hat - 3 * y) / 6, atol=1e-6, rtol=1e-6)
    assert torch.func.vmap(mse)(y[:, :0], y[:, :0])[1].shape == (4, 0)
    torch.testing.assert_close(torch.func.vmap(mse)(y[:, :1], y_hat[:, :1])[1], 2 * (y_hat - y)[:, :1], atol=1e-6, rtol=1e-6)


def check_cross_entropy_edges(cross_entropy: LossFunction) -> None:
    """An impossible class costs nothing where it is not wanted, an ignored row is not looked at; what does not fit is named."""
    for y in (torch.tensor([1]), torch.tensor([[0.0, 0.25, 0.75]])):
        J, dz = cross_entropy(y, torch.tensor([[-torch.inf, 0.0, 0.0]]))
        assert J.item() == pytest.approx(0.6931472)
        assert dz[0, 0] == 0
        assert dz.isfinite().all()
    J, dz = cross_entropy(torch.tensor([-100, 0]), torch.tensor([[torch.nan, torch.inf], [0.0, 0.0]]))
    assert J.item() == pytest.approx(0.6931472)
    assert dz.tolist() == [[0.0, 0.0], [-0.5, 0.5]]
    J, dz = cross_entropy(torch.tensor([0, 1]), torch.tensor([[torch.inf, 0.0], [torch.inf, 0.0]]), "none")
    assert J.tolist() == [0, torch.inf]
    assert dz.tolist() == [[0, 0], [1, -1]]
    assert cross_entropy(torch.tensor([-100, 0]), torch.zeros(2, 1))[0].item() == 0
    assert cross_entropy(torch.ones(3, 1), torch.zeros(3, 1))[0].item() == 0
    for bad in (-1, 2):
        with pytest.raises(ValueError, match=rf"classes from {min(bad, 0)} to {max(bad, 0)}, z \(2, 2\) float32 has 0 to 1"):
            cross_entropy(torch.tensor([0, bad]), torch.ones(2, 2))
    for smoothing in (-0.1, 1.1, torch.nan):
        with pytest.raises(ValueError, match=rf"label_smoothing {smoothing}, expected 0 to 1"):
            cross_entropy(torch.tensor([0]), torch.ones(1, 2), label_smoothing=smoothing)
    cross_entropy(torch.tensor([0]), torch.ones(1, 2), label_smoothing=1)
    for weight in (torch.ones(3), torch.ones(1), torch.ones(2, dtype=torch.float64)):
        with pytest.raises(ValueError, match=rf"weight {named(weight)}, expected \(2,\) as the classes of z \(1, 2\) float32"):
            cross_entropy(torch.tensor([0]), torch.ones(1, 2), weight=weight)
    for y in (torch.zeros(1, dtype=torch.int32), torch.zeros(1, dtype=torch.bool), torch.zeros(1, 2, dtype=torch.float64)):
        with pytest.raises(ValueError, match=rf"y {named(y)}, z \(1, 2\) float32; expected indices \(1,\) int64"):
            cross_entropy(y, torch.ones(1, 2))
    labels, logits = torch.tensor([0]), torch.ones(1, 2)
    for z in (logits.long(), logits.to(torch.complex64)):
        with pytest.raises(ValueError, match=rf"y \(1,\) int64, z {named(z)}; expected"):
            cross_entropy(labels, z)
    with pytest.raises(ValueError, match=r"y \(1,\) int64, z of class list, expected tensors"):
        cross_entropy(labels, [[1.0, 1.0]])
    for option, wrong, told in (
        ("label_smoothing", None, "label_smoothing None, expected 0 to 1"),
        ("weight", [1.0, 1.0], r"weight of class list, expected \(2,\)"),
        ("ignore_index", 0.5, "ignore_index 0.5, expected a whole number"),
    ):
        with pytest.raises(ValueError, match=f"cross_entropy: {told}"):
            cross_entropy(labels, logits, **{option: wrong})
    with pytest.raises(ValueError, match=r"z \(\) float32"):
        cross_entropy(torch.tensor(0.5), torch.tensor(1.0))
