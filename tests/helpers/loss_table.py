"""The table of losses: every law of losses runs over it, so that one more row buys all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from tables import IN, LEADS, lattice
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Reduction

REDUCTIONS: tuple[Reduction, ...] = ("mean", "sum", "batchmean", "none")
LossFunction = Callable[..., tuple[Tensor, Tensor]]


def in_dtype(options: dict[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    return {k: v.to(dtype) if isinstance(v, Tensor) else v for k, v in options.items()}


class LossRow(NamedTuple):
    """One loss, with its options.

    - name: for test ids.
    - function: the loss itself, (y, y_hat, reduction, **options) -> (J, dJ/dy_hat).
    - reference: (y, y_hat, reduction) -> J in torch's own functions; for none it has the shape of J.
    - labels: (generator, shape of y_hat, dtype) -> y.
    - probabilities: whether y_hat must lie in [0, 1].
    - rows: whether one number of J belongs to a row of y_hat, rather than to an element.
    - default: the reduction where none is named.
    - options: keyword arguments of the function; tensors in float64.
    """

    name: str
    function: LossFunction
    reference: Callable[[Tensor, Tensor, Reduction], Tensor]
    labels: Callable[[Generator, tuple[int, ...], torch.dtype], Tensor]
    probabilities: bool = False
    rows: bool = False
    default: Reduction = "mean"
    options: dict[str, Any] = {}  # noqa: RUF012 (never changed)

    @property
    def loss(self) -> LossFunction:
        """The function with its options bound."""
        return self.bind(self.function)

    def bind(self, function: LossFunction) -> LossFunction:
        """Another function in the place of this one, with the same options, in the dtype of the prediction."""
        return lambda y, y_hat, *reduction: function(y, y_hat, *reduction, **in_dtype(self.options, y_hat.dtype))

    def input_shapes(self) -> list[tuple[int, ...]]:
        """Every shape of y_hat that the laws are tried on."""
        return [(*lead, IN) for lead in LEADS] + ([] if self.rows else [()])

    def draw(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor]:
        """A label and a prediction of this shape."""
        g = Generator().manual_seed(seed)
        y, y_hat = self.labels(g, shape, dtype), lattice(g, *shape, dtype=dtype)
        return y, (y_hat / 8 + 0.5 if self.probabilities else y_hat)


def real_labels(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return lattice(generator, *shape, dtype=dtype)


def binary_labels(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """0, 1 and soft labels between."""
    return torch.randint(0, 5, shape, generator=generator).to(dtype) / 4


def class_labels(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return torch.randint(0, shape[-1], shape[:-1], generator=generator)


def some_ignored(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Classes, and 2 in the place of about a third of them."""
    y = class_labels(generator, shape, dtype)
    return torch.where(torch.rand(y.shape, generator=generator) < 1 / 3, 2, y)


def distributions(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return torch.softmax(lattice(generator, *shape, dtype=dtype), -1)


def batched(f: Callable[[Tensor, Tensor, Any], Tensor], dims: int = 1) -> Callable[[Tensor, Tensor, Reduction], Tensor]:
    """batchmean, which few of torch's losses know: the sum over the batch; fewer than `dims` dimensions are one example."""

    def reference(y: Tensor, y_hat: Tensor, reduction: Reduction) -> Tensor:
        if reduction != "batchmean":
            return f(y, y_hat, reduction)
        return f(y, y_hat, "sum") / (y_hat.shape[0] if y_hat.dim() >= dims else 1)

    return reference


def norms(y: Tensor, y_hat: Tensor, reduction: Reduction) -> Tensor:
    """Over the examples mean and batchmean are the same."""
    each = ((y_hat - y) ** 2).sum(-1)
    return each if reduction == "none" else each.sum() if reduction == "sum" else each.mean()


def cross_entropy_row(name: str, labels: Callable[[Generator, tuple[int, ...], torch.dtype], Tensor], **options: Any) -> LossRow:
    def reference(y: Tensor, z: Tensor, reduction: Reduction) -> Tensor:
        """torch wants the classes in dimension 1."""
        flat_y = y.reshape(-1, z.shape[-1]) if y.is_floating_point() else y.reshape(-1)
        J = F.cross_entropy(z.reshape(-1, z.shape[-1]), flat_y, reduction=reduction, **in_dtype(options, z.dtype))
        return J.reshape(z.shape[:-1]) if reduction == "none" else J

    return LossRow(name, pm.cross_entropy, batched(reference, 2), labels, rows=True, options=options)


WEIGHT = torch.tensor([0.5, 2.0, 0.25, 1.5], dtype=torch.float64)

LOSSES = [
    LossRow("mse", pm.mse, batched(lambda y, y_hat, r: F.mse_loss(y_hat, y, reduction=r)), real_labels),
    LossRow("squared_norm", pm.squared_norm, norms, real_labels, rows=True, default="sum"),
    LossRow("bce", pm.bce, batched(lambda y, p, r: F.binary_cross_entropy(p, y, reduction=r)), binary_labels, probabilities=True),
    LossRow(
        "bce_with_logits",
        pm.bce_with_logits,
        batched(lambda y, z, r: F.binary_cross_entropy_with_logits(z, y, reduction=r)),
        binary_labels,
    ),
    cross_entropy_row("cross_entropy", class_labels),
    cross_entropy_row("cross_entropy(ignore_index)", some_ignored, ignore_index=2),
    cross_entropy_row("cross_entropy(smoothing)", class_labels, label_smoothing=0.2),
    cross_entropy_row("cross_entropy(weight)", class_labels, weight=WEIGHT),
    cross_entropy_row("cross_entropy(everything)", some_ignored, ignore_index=2, label_smoothing=0.2, weight=WEIGHT),
    cross_entropy_row("cross_entropy(distributions)", distributions),
    cross_entropy_row("cross_entropy(distributions, smoothing, weight)", distributions, label_smoothing=0.2, weight=WEIGHT),
]
