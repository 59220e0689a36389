"""Where the rows of a table come from, in batches of pyarrow: what every reader gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from pure_mlp.table.block import Block, Kind

__all__ = ["NUMBERS", "Source", "blocks"]

NUMBERS = 2**18
"""How many cells are read at once."""


@attrs.frozen(eq=False)
class Source:
    """A table that can be run through again and again.

    name: for the errors. columns: their names, in order. kinds: what a column holds by its type, None for what no net takes; a
    column that is not in it is told by its cells. batches: record batches of pyarrow, of these columns and about so many rows.
    """

    name: str
    columns: tuple[str, ...]
    kinds: Mapping[str, Kind | None]
    batches: Callable[[Sequence[str], int], Iterator[Any]]  # Any: pyarrow has no types


def blocks(source: Source, columns: Sequence[str]) -> Iterator[Block]:
    """All rows of these columns, a block at a time, each of at most `NUMBERS` cells or one row.

    >>> from pure_mlp.table.frames import frame_source
    >>> [block.first for block in blocks(frame_source({"a": [1, 2, 3]}), ["a"])]
    [1]
    """
    rows, first = max(NUMBERS // max(len(columns), 1), 1), 1
    for batch in source.batches(columns, rows):
        for start in range(0, batch.num_rows, rows):
            piece = batch.slice(start, rows)
            yield Block(source.name, first, {name: piece.column(i) for i, name in enumerate(columns)})
            first += piece.num_rows
