"""The frames and arrays of other libraries as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pure_mlp.table.arrow import arrow
from pure_mlp.table.block import Kind
from pure_mlp.table.cells import kind_of_type
from pure_mlp.table.source import Source

__all__ = ["frame_source"]


def frame_source(frame: object) -> Source:
    """A frame of pandas or polars, a table of pyarrow, whatever has `__arrow_c_stream__`, or a dict of columns: arrays or lists.

    Raises `ValueError` for anything else, for columns of different lengths, and for one that pyarrow cannot hold.

    >>> frame_source({"age": [7, 8], "city": ["Ulm", None]}).kinds
    {'age': 'number', 'city': 'text'}
    """
    pa = arrow()
    kind = type(frame).__name__
    if not isinstance(frame, (Mapping, pa.Table)) and not hasattr(frame, "__arrow_c_stream__"):
        raise ValueError(f"a table of class {kind}, expected a path, a frame of pandas or polars, or a dict of arrays")
    try:
        pandas = type(frame).__module__.startswith("pandas.")
        table = pa.Table.from_pandas(frame, preserve_index=False) if pandas else pa.table(frame)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise ValueError(f"a {kind} that is no table: {' '.join(str(error).split())}") from error
    if len(set(table.column_names)) < len(table.column_names):
        raise ValueError(f"a {kind}: two columns have the same name")
    kinds: dict[str, Kind | None] = {field.name: kind_of_type(field.type) for field in table.schema}
    return Source(kind, tuple(table.column_names), kinds, partial(_batches, table))


def _batches(table: Any, columns: Sequence[str], rows: int) -> Iterator[Any]:  # Any: a table of pyarrow
    yield from table.select([*columns]).to_batches(max_chunksize=rows)
