"""Which part of a table a row belongs to: training, validation or test, by its hash."""

from __future__ import annotations

from typing import Literal

import attrs
import torch
from torch import Tensor

from pure_mlp.table.hashing import fractions

__all__ = ["PARTS", "Part", "Split"]

Part = Literal["training", "validation", "test", "all"]
PARTS: tuple[Part, ...] = ("training", "validation", "test")


@attrs.frozen
class Split:
    """test: the fraction of all rows that is held out. val: the fraction of the others that validates. seed: of the draw.

    A row stays in its part whatever rows are added, and equal rows are in the same part.

    >>> Split(0.0, 0.0, 0).places(torch.arange(3)).tolist()
    [0, 0, 0]
    """

    test: float
    val: float
    seed: int

    def places(self, found: Tensor) -> Tensor:
        """The places of the parts in `PARTS`, of rows with these hashes (n,)."""
        at, end = fractions(found, self.seed), self.test + (1 - self.test) * self.val
        return torch.where(at < self.test, 2, torch.where(at < end, 1, 0))
