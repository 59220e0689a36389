"""A table of which a net learns one column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.data.dataset import Task
from pure_mlp.data.moments import Moments
from pure_mlp.data.standardize import Standardizer, standardize, standardizer_of, unstandardize
from pure_mlp.signatures import Batch
from pure_mlp.table.column import Column
from pure_mlp.table.feed import Feed, Shares
from pure_mlp.table.hashing import hashes
from pure_mlp.table.schema import Schema, block_values, embedded, encoded, labels, width
from pure_mlp.table.shuffled import shuffled
from pure_mlp.table.source import Source, blocks
from pure_mlp.table.split import PARTS, Part, Split

__all__ = ["Table"]

_HELD = 2**22
"""How many numbers wait to be shuffled: 32 MiB."""
_AT_ONCE = 2**18
"""How many numbers are made of the rows at once."""


@attrs.frozen(eq=False)
class Table:
    """Rows of named columns, any number of them, read from their source whenever they are needed.

    name: where it comes from. task: what is learnt. classes: their names, none for regression. schema: the columns. split:
    what the parts are drawn by. rows: what reads them. inputs: what standardises x, by the training part. target: the moments of
    the target there. counts: the rows of each part. digest: a sum over all rows, by which other data are told. guessed: what the
    task was guessed from, empty if it was said. which: the part that this is. share: (place, of), of its rows those whose number in
    the source is `place` modulo `of`. kept: its values, where they are in memory.
    """

    name: str
    task: Task
    classes: tuple[str, ...]
    schema: Schema
    split: Split
    rows: Source
    inputs: Standardizer
    target: Moments
    counts: Mapping[Part, int]
    digest: Tensor
    guessed: str = ""
    which: Part = "all"
    share: tuple[int, int] = (0, 1)
    kept: Tensor | None = None

    @property
    def size(self) -> int:
        """The number of examples."""
        return sum(self.counts.values()) if self.which == "all" else self.counts[self.which]

    @property
    def width(self) -> int:
        """The number of features that go into a net."""
        return width(self.schema)

    @property
    def embedded(self) -> tuple[tuple[int, int], ...]:
        """What `embed_columns_init` takes: of each column with an embedding the rows and the width of its table. They are last."""
        return embedded(self.schema)

    @property
    def labelled(self) -> bool:
        """Whether the target is among the columns."""
        return self.schema.target.name in self.rows.columns

    def part(self, which: Part) -> Table:
        """One of its parts: "training", "validation", "test", or "all".

        Raises:
            ValueError: a part without examples.
        """
        part = attrs.evolve(self, which=which, kept=None)
        if part.counts and not part.size:
            whole = f"the {which} part of {sum(self.counts.values())}"
            raise ValueError(f"{self.name}: no example is in {whole} (equal rows are in one part; another seed draws another)")
        return part

    def held(self) -> Table:
        """The same table, read into memory now if it has fewer than 4 million cells."""
        columns = len(self.schema.columns) + 1
        if not self.counts or self.size * columns >= _HELD * self.share[1]:
            return self
        none = torch.zeros(0, columns, dtype=torch.float64)
        return attrs.evolve(self, kept=torch.cat([none, *(rows for _, rows in self.values())]))

    def batches(self, size: int, generator: Generator | None = None) -> Feed:
        """What `fit` takes: batches (x, y), read ahead of the steps, and anew each epoch unless the table is small (see `held`).

        x (size, width) is standardised, float32. y is (size,) int64 for classes, else (size, 1) float32: 0 or 1, or what is learnt
        in a regression, standardised. With a generator the rows are shuffled, in a buffer of 4 million cells: a larger table whose
        rows are sorted should be shuffled once by other means.
        """
        table = self.held()

        def pieces() -> Iterator[Batch]:
            return map(self._standardized, table.pieces(size, generator))

        return Feed(pieces, size)

    def shares(self, size: int, generator: Generator | None = None) -> Shares:
        """What `fit` takes with a mesh where each process is to read its own rows: as `batches`, `size` examples for all together.

        The process in place i of n reads rows i, i + n, i + 2 n .. of the source, and shuffles them among themselves.
        """

        def share(place: int, of: int) -> Feed:
            own = size * (place + 1) // of - size * place // of
            return attrs.evolve(self, share=(place, of)).batches(own, generator)

        return Shares(share)

    def _standardized(self, piece: Batch) -> Batch:
        x, y = piece
        x = standardize(self.inputs, x).to(torch.float32)
        return x, standardize(self._scale(), y) if self.task == "regression" else y

    def in_units(self, y_hat: Tensor) -> Tensor:
        """What a net that learnt from `batches` says (n, 1), in the unit of the target of a regression."""
        return unstandardize(self._scale(), y_hat)

    def _scale(self) -> Standardizer:
        return standardizer_of(self.target, torch.float32)

    def pieces(self, size: int, generator: Generator | None = None, unknown: bool = False) -> Iterator[Batch]:
        """x and y as in the table, in pieces whose lengths are multiples of size, the last one aside; y (n, 0) where there is none.

        unknown: texts that training has not seen become zeros. The order of this pass is drawn from the generator now.
        """
        drawn = None
        if generator is not None:
            drawn = Generator().manual_seed(int(torch.randint(2**62, (1,), generator=generator).item()))
        return self._encoded(shuffled((rows for _, rows in self.values(unknown)), size, drawn, _HELD), size)

    def _encoded(self, pieces: Iterator[Tensor], size: int) -> Iterator[Batch]:
        columns, at_once = len(self.schema.columns), max(_AT_ONCE // max(self.width, 1) // size, 1) * size
        for rows in pieces:
            for few in torch.split(rows, at_once):
                x = encoded(self.schema, few, self.inputs.mean)
                yield x, labels(self.task, few[:, columns]) if self.labelled else x[:, :0]

    def values(self, unknown: bool = False) -> Iterator[tuple[Sequence[Column], Tensor]]:
        """The columns, the target last if it is there, and their values (n, columns) as `block_values`, a block at a time."""
        columns = (*self.schema.columns, *((self.schema.target,) if self.labelled else ()))
        if self.kept is not None:
            yield columns, self.kept
            return
        for block in blocks(self.rows, [column.name for column in columns], *self.share):
            rows = block_values(self.schema, block, unknown=unknown)
            if self.which != "all":
                rows = rows[self.split.places(hashes(columns, rows)) == PARTS.index(self.which)]
            yield columns, rows
