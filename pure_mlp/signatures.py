"""The types of what users write: a loss, a batch, a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from torch import Tensor

__all__ = ["Batch", "Loss", "Step"]

S = TypeVar("S")
B = TypeVar("B")

Loss: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""`loss(y, y_hat) -> (J, dJ/dy_hat)`, label first."""
Batch: TypeAlias = tuple[Tensor, Tensor]
"""Inputs x (batch, ..) and labels y (batch, ..)."""
Step: TypeAlias = Callable[[S, B], tuple[S, Tensor]]
"""`step(carry, batch) -> (carry, J)`, the signature of the function that `jax.lax.scan` folds."""
