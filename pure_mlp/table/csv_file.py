"""CSV files, whose cells come as bytes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pure_mlp.table.arrow import arrow
from pure_mlp.table.source import Source

__all__ = ["csv_source"]

_BLOCK = 2**22
"""Bytes that are parsed at once; no row may be longer."""


def csv_source(path: Path) -> Source:
    """A .csv file in UTF-8 whose first line holds the names of the columns.

    Raises `ValueError` for names that are none or that two columns have, `OSError` where the file cannot be read. Its batches raise
    `ValueError` that names the row, counted from 1 after the names, for one of another length, and for a row beyond memory.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text("age,city\\n7,Ulm\\n")
    ...     source = csv_source(Path(folder, "a.csv"))
    ...     [batch.to_pydict() for batch in source.batches(["city"], 10)]
    [{'city': [b'Ulm']}]
    """
    names = _names(path)
    return Source(str(path), names, {}, partial(_batches, path))


def _names(path: Path) -> tuple[str, ...]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            names = next((cells for cells in csv.reader(file, strict=True) if cells), [])
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: expected a line with the names of columns, in UTF-8 ({error})") from error
    if not names:
        raise ValueError(f"{path}: expected a line with the names of columns, found none")
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ValueError(f"{path}: columns {names.index(name) + 1} and {place + 1} have the same name {name!r}")
    return tuple(names)


def _batches(path: Path, columns: Sequence[str], rows: int) -> Iterator[Any]:
    pa, reader = arrow(), arrow("csv")
    ragged: list[Any] = []

    def refuse(row: Any) -> str:
        ragged.append(row)
        return "error"

    try:
        with reader.open_csv(
            path,
            reader.ReadOptions(use_threads=False, block_size=_BLOCK),
            reader.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
            reader.ConvertOptions(column_types=dict.fromkeys(columns, pa.binary()), include_columns=[*columns]),
        ) as batches:
            yield from batches
    except pa.ArrowException as error:
        if ragged:
            row = ragged[0]
            found = f"expected {row.expected_columns} values, as the first line has names, found {row.actual_columns}"
            raise ValueError(f"{path}: row {row.number - 1}: {found}") from error
        if "straddl" in str(error):
            raise ValueError(f"{path}: a row of more than {_BLOCK} bytes (a quotation mark may be missing)") from error
        raise ValueError(f"{path}: expected a .csv file ({' '.join(str(error).split())})") from error
