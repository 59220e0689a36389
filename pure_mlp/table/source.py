"""Where the rows of a table come from, in batches of pyarrow: what every reader gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from pure_mlp.table.arrow import arrow
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


def blocks(source: Source, columns: Sequence[str], place: int = 0, of: int = 1) -> Iterator[Block]:
    """The rows of these columns whose number, from 0, is `place` modulo `of`: in blocks of at most `NUMBERS` cells or one row.

    >>> from pure_mlp.table.frames import frame_source
    >>> [block.cells["a"].to_pylist() for block in blocks(frame_source({"a": [4, 5, 6]}), ["a"], 0, 2)]
    [[4, 6]]
    """
    rows, first = max(NUMBERS // max(len(columns), 1), 1), 1
    for batch in source.batches(columns, rows):
        for start in range(0, batch.num_rows, rows):
            piece = batch.slice(start, rows)
            own = range((place - first + 1) % of, piece.num_rows, of)
            if own:
                cells = piece if of == 1 else piece.take(arrow().array(own))
                yield Block(source.name, first + own[0], {name: cells.column(i) for i, name in enumerate(columns)}, of)
            first += piece.num_rows
