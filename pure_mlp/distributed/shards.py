"""Leaves in parts, one for each process of a group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import torch
from torch import Tensor
from torch import distributed as dist

from pure_mlp.distributed.cut import Cut
from pure_mlp.optim.clip import global_norm

__all__ = ["Shards"]


@attrs.frozen(eq=False)
class Shards:
    """How leaves are cut over a group; a leaf with None in its place is held by every process of it."""

    cuts: Sequence[Cut | None]
    group: dist.ProcessGroup

    def cut(self, leaves: Sequence[Tensor]) -> list[Tensor]:
        """The parts of this process, in memory of their own."""
        place = self.group.rank()
        return [leaf if cut is None else cut.part(cut.spread(leaf)[place], place).clone() for leaf, cut in zip(leaves, self.cuts)]

    def whole(self, parts: Sequence[Tensor]) -> list[Tensor]:
        """The leaves, from the parts of all processes: one all-gather."""
        row = torch.cat([cut.row(part) for part, cut in zip(parts, self.cuts) if cut is not None])
        matrix = row.new_empty(self.group.size(), len(row))
        dist.all_gather([*matrix], row, group=self.group)
        columns = self._columns(matrix)
        return [part if cut is None else cut.joined(next(columns)).to(part.dtype) for part, cut in zip(parts, self.cuts)]

    def sums(self, told: Tensor, leaves: Sequence[Tensor], weight: float) -> list[Tensor]:
        """The sums over the group of `told` and of this process's parts of the leaves, each `weight` times: one reduce-scatter."""
        n, place = self.group.size(), self.group.rank()
        spread = [cut.spread(leaf).to(told.dtype) for leaf, cut in zip(leaves, self.cuts) if cut is not None]
        matrix = torch.cat((told.expand(n, len(told)), *spread), 1).mul_(weight)
        row = matrix.new_empty(matrix.shape[1])
        dist.reduce_scatter(row, [*matrix], group=self.group)
        columns = self._columns(row[len(told) :].unsqueeze(0))
        return [row[: len(told)], *(cut.part(next(columns)[0], place) for cut in self.cuts if cut is not None)]

    def norm(self, parts: Sequence[Tensor]) -> Tensor:
        """The Euclidean norm of all numbers of the leaves, 0-dim float64: one all-reduce of a number for each process."""
        norms = torch.zeros(self.group.size(), dtype=torch.float64, device=parts[0].device)
        norms[self.group.rank()] = global_norm([part for part, cut in zip(parts, self.cuts) if cut is not None])
        dist.all_reduce(norms, group=self.group)
        return global_norm([norms, *(part for part, cut in zip(parts, self.cuts) if cut is None)])

    def _columns(self, matrix: Tensor) -> Iterator[Tensor]:
        return iter(torch.split(matrix, [cut.width for cut in self.cuts if cut is not None], 1))
