"""One tensor in parts along one dimension."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod

import attrs
import torch
from torch import Tensor

__all__ = ["Cut"]


@attrs.frozen
class Cut:
    """How a tensor of this shape is cut along a dimension into n parts: of `rows` slices each, the last ones of fewer or none.

    So do `torch.chunk` and DTensor's `Shard`. In a matrix (n, width) each part is a row, filled up with zeros. A tensor without
    dimensions is cut as if it had one slice.

    >>> cut = Cut((3,), 0, 2)
    >>> matrix = cut.spread(torch.tensor([1.0, 2.0, 3.0]))
    >>> matrix, cut.part(matrix[1], 1), cut.joined(matrix)
    (tensor([[1., 2.],
            [3., 0.]]), tensor([3.]), tensor([1., 2., 3.]))
    """

    shape: Sequence[int]
    dim: int
    n: int

    @property
    def rows(self) -> int:
        """How many slices a whole part has."""
        return ceil(self._size / self.n)

    @property
    def width(self) -> int:
        """How many numbers a whole part has."""
        return self.rows * prod(self._rest)

    def spread(self, whole: Tensor) -> Tensor:
        """The parts (n, width) of the tensor."""
        return self._filled(whole, self.rows * self.n).reshape(self.n, self.width)

    def joined(self, parts: Tensor) -> Tensor:
        """The tensor, from its parts (n, width)."""
        slices = parts.reshape(self.rows * self.n, *self._rest)[: self._size]
        return slices.transpose(0, self.dim).reshape(self.shape)

    def row(self, part: Tensor) -> Tensor:
        """A part as a row (width,)."""
        return self._filled(part, self.rows).reshape(self.width)

    def part(self, row: Tensor, place: int) -> Tensor:
        """The part of this place, from its row (width,)."""
        held = min(max(self._size - self.rows * place, 0), self.rows)
        return row.reshape(self.rows, *self._rest)[:held].transpose(0, self.dim).contiguous()

    @property
    def _size(self) -> int:
        return self.shape[self.dim] if self.shape else 1

    @property
    def _rest(self) -> list[int]:
        """The shape of a slice, the dimension that is cut changed for the first."""
        rest = [*self.shape[1:]]
        if self.dim:
            rest[self.dim - 1] = self.shape[0]
        return rest

    def _filled(self, t: Tensor, size: int) -> Tensor:
        slices = (t if t.dim() else t.reshape(1)).transpose(0, self.dim)
        return torch.cat((slices, slices.new_zeros(size - len(slices), *slices.shape[1:])))
