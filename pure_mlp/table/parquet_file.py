"""Parquet files, whose columns have types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pure_mlp.table.arrow import arrow
from pure_mlp.table.cells import kind_of_type
from pure_mlp.table.source import Source

__all__ = ["parquet_source"]

_BUFFER = 2**20
"""Bytes of a column that are read at once, so that a row group is never whole in memory."""


def parquet_source(path: Path) -> Source:
    """A Parquet file. Raises `ValueError` for one that is damaged or none, now or as it is read; `OSError` where it cannot be read.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     arrow("parquet").write_table(arrow().table({"age": [7, 8]}), Path(folder, "a.parquet"))
    ...     parquet_source(Path(folder, "a.parquet")).kinds
    {'age': 'number'}
    """
    path.open("rb").close()
    try:
        schema = arrow("parquet").read_schema(path)
        names = tuple(schema.names)
    except Exception as error:  # of damaged bytes pyarrow raises half a dozen kinds
        raise _damaged(path, error) from error
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: two columns have the same name")
    return Source(str(path), names, {f.name: kind_of_type(f.type) for f in schema}, partial(_batches, path))


def _batches(path: Path, columns: Sequence[str], rows: int) -> Iterator[Any]:
    try:
        with arrow("parquet").ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            yield from file.iter_batches(rows, columns=[*columns], use_threads=False)
    except Exception as error:  # as above
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ValueError:
    said = " ".join(str(error).split()) or type(error).__name__
    return ValueError(f"{path}: expected a Parquet file, found a damaged or other one ({said})")
