"""The losses that every law of the tests runs over: those of the registry."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from pure_mlp import Reduction
from pure_mlp.registry.loss_row import LossRow
from pure_mlp.registry.losses import LOSS_ROWS

__all__ = ["LOSSES", "REDUCTIONS", "LossFunction", "LossRow"]

REDUCTIONS: tuple[Reduction, ...] = ("mean", "sum", "batchmean", "none")
LossFunction = Callable[..., tuple[Tensor, Tensor]]
LOSSES = [sample for row in LOSS_ROWS.values() for sample in row.samples()]
