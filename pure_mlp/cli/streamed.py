"""A table as a model takes it, a piece at a time; beside `Prepared`, which holds data whole."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.cli.model import Model
from pure_mlp.cli.prepared import Prepared, inputs, prepare
from pure_mlp.data.dataset import Dataset
from pure_mlp.signatures import Batch
from pure_mlp.table.ahead import ahead
from pure_mlp.table.feed import Feed
from pure_mlp.table.table import Table

__all__ = ["Examples", "Streamed", "examples_of"]

_ROWS = 2**12
"""A piece has at least this many rows."""


@attrs.frozen(eq=False)
class Streamed:
    """What `Prepared` is, of a part of a table, for this model. unknown: texts that training has not seen become zeros."""

    model: Model
    data: Table
    unknown: bool = False

    @property
    def size(self) -> int:
        """The number of examples."""
        return self.data.size

    def pieces(self) -> Iterator[Prepared]:
        """All examples in their order, read ahead."""
        return ahead(self._prepared(self._raw()))

    def inputs(self) -> Iterator[tuple[Tensor, Prepared | None]]:
        """The inputs of the net, with what is known of the examples where they have labels."""
        if self.data.labelled:
            return ((piece.x, piece) for piece in self.pieces())
        return ahead((inputs(self.model, self.data.name, x), None) for x, _ in self._raw())

    def feed(self, batch: int, generator: Generator) -> Feed:
        """What `fit` takes: batches, shuffled anew each epoch."""
        return Feed(lambda: ((p.x, p.y) for p in self._prepared(self.data.pieces(batch, generator))), batch)

    def identity(self) -> tuple[Tensor, ...]:
        """A fingerprint of the examples, by which `--resume` and `trace` refuse others."""
        return self.data.digest, torch.tensor([self.size]), self.data.inputs.mean, self.data.inputs.std

    def _raw(self) -> Iterator[Batch]:
        return self.data.pieces(_ROWS, unknown=self.unknown)

    def _prepared(self, pieces: Iterator[Batch]) -> Iterator[Prepared]:
        table = self.data
        for x, y in pieces:
            yield prepare(self.model, Dataset(table.name, table.task, x, y, table.classes, "", table.name, None))


Examples = Prepared | Streamed


def examples_of(model: Model, data: Dataset | Table) -> Examples:
    """The data as the model takes them. Raises `ValueError` as `prepare`.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.data.load import load
    >>> examples_of(example(), load("diabetes")).size
    442
    """
    return Streamed(model, data.held()) if isinstance(data, Table) else prepare(model, data)
