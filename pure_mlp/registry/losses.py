"""The losses: one row each. The order is that of the command line's choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from pure_mlp.losses.bce import bce
from pure_mlp.losses.bce_with_logits import bce_with_logits
from pure_mlp.losses.cross_entropy import cross_entropy
from pure_mlp.losses.huber import huber_loss
from pure_mlp.losses.mse import mse, squared_norm
from pure_mlp.losses.reduction import Reduction
from pure_mlp.registry.equations import LossEquation
from pure_mlp.registry.loss_row import LossRow
from pure_mlp.registry.samples import binary_labels, class_labels, distributions, real_labels, some_ignored

__all__ = ["LOSS_ROWS"]


def _of_torch(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss of torch with the label first, and with batchmean, which torch has not: the sum over the batch."""

    def reference(y: Tensor, y_hat: Tensor, reduction: Reduction, **options: float) -> Tensor:
        if reduction != "batchmean":
            return f(y_hat, y, reduction=reduction, **options)
        return f(y_hat, y, reduction="sum", **options) / (y_hat.shape[0] if y_hat.dim() else 1)

    return reference


def _norms(y: Tensor, y_hat: Tensor, reduction: Reduction) -> Tensor:
    each = ((y_hat - y) ** 2).sum(-1)
    return each if reduction == "none" else each.sum() if reduction == "sum" else each.mean()


def _cross_entropy(y: Tensor, z: Tensor, reduction: Reduction, **options: Any) -> Tensor:
    """torch wants the classes in dimension 1."""
    flat_y, over = y.reshape(-1, z.shape[-1]) if y.is_floating_point() else y.reshape(-1), reduction
    J = F.cross_entropy(z.reshape(-1, z.shape[-1]), flat_y, reduction="sum" if over == "batchmean" else over, **options)
    if reduction == "batchmean":
        return J / (z.shape[0] if z.dim() > 1 else 1)
    return J.reshape(z.shape[:-1]) if reduction == "none" else J


def _shifted(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Labels from which no prediction on the lattice is a multiple of 1/8 away."""
    return real_labels(generator, shape, dtype) + 1 / 16


_WEIGHT = torch.tensor([0.5, 2.0, 0.25, 1.5], dtype=torch.float64)
_SQUARES = LossEquation(
    r"(\hat{y}_k - y_k)^2",
    r"2 (\hat{y}_k - y_k)",
    r"\left\lVert \hat{\mathbf{y}} - \mathbf{y} \right\rVert^2",
    r"2 (\hat{\mathbf{y}} - \mathbf{y})",
)
_ROWS = (
    LossRow(
        "cross_entropy",
        cross_entropy,
        _cross_entropy,
        class_labels,
        "logits",
        LossEquation(r"-y_k \log(p_k)", r"p_k \sum_{j=1}^{K} y_j - y_k"),
        ("classes",),
        rows=True,
        variants={
            "ignore_index": (some_ignored, {"ignore_index": 2}),
            "smoothing": (class_labels, {"label_smoothing": 0.2}),
            "weight": (class_labels, {"weight": _WEIGHT}),
            "everything": (some_ignored, {"ignore_index": 2, "label_smoothing": 0.2, "weight": _WEIGHT}),
            "distributions": (distributions, {}),
            "distributions, smoothing, weight": (distributions, {"label_smoothing": 0.2, "weight": _WEIGHT}),
        },
    ),
    LossRow(
        "bce_with_logits",
        bce_with_logits,
        _of_torch(F.binary_cross_entropy_with_logits),
        binary_labels,
        "logits",
        LossEquation(
            r"(1 - y_k) \hat{y}_k - \log(\sigma(\hat{y}_k))",
            r"\sigma(\hat{y}_k) - y_k",
            vector=r"\sigma(\hat{\mathbf{y}}) - \mathbf{y}",
        ),
        ("classes", "binary"),
    ),
    LossRow(
        "bce",
        bce,
        _of_torch(F.binary_cross_entropy),
        binary_labels,
        "probabilities",
        LossEquation(
            r"-y_k \log(\hat{y}_k) - (1 - y_k) \log(1 - \hat{y}_k)",
            r"\frac{\hat{y}_k - y_k}{\hat{y}_k (1 - \hat{y}_k)}",
        ),
        ("classes", "binary"),
    ),
    LossRow("mse", mse, _of_torch(F.mse_loss), real_labels, "numbers", _SQUARES, ("classes", "binary", "regression")),
    LossRow(
        "squared_norm",
        squared_norm,
        _norms,
        real_labels,
        "numbers",
        _SQUARES,
        ("classes", "binary", "regression"),
        rows=True,
        default="sum",
    ),
    LossRow(
        "huber",
        huber_loss,
        _of_torch(F.huber_loss),
        _shifted,
        equation=LossEquation(  # for delta = 1
            r"\frac{1}{2} (\hat{y}_k - y_k)^2 - \frac{1}{2} \max(0, \hat{y}_k - y_k - 1)^2"
            r" - \frac{1}{2} \max(0, y_k - \hat{y}_k - 1)^2",
            r"\hat{y}_k - y_k - \max(0, \hat{y}_k - y_k - 1) + \max(0, y_k - \hat{y}_k - 1)",
        ),
        tasks=("regression",),
        options={"delta": 1.0},
        variants={"delta": (_shifted, {"delta": 0.5})},
    ),
)
LOSS_ROWS: dict[str, LossRow] = {row.name: row for row in _ROWS}
"""By name; `register` adds to it."""
