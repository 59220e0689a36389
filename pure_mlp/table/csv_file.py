"""CSV files, whose cells come as bytes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from pure_mlp.table.arrow import arrow
from pure_mlp.table.source import Source

__all__ = ["csv_source"]

_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
"""How pyarrow names a row, counting the names of the columns as the first."""
_BLOCK = 2**20
"""Bytes that are parsed at once; no row may be longer."""
_PACKED = {".gz": "gzip", ".zst": "zstd"}


def csv_source(path: Path) -> Source:
    """A .csv file in UTF-8, or one packed as .csv.gz or .csv.zst, whose first line holds the names of the columns.

    Raises `ValueError` for names that are none, that two columns have or that no commas part, `OSError` where the file cannot be
    read. Its batches raise `ValueError` that names the row, counted from 1 after the names, for one of another length, and for a
    row beyond memory.

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
    path.open("rb").close()
    try:
        with _unpacked(path) as bare:
            file = TextIOWrapper(bare, "utf-8-sig", "surrogateescape", newline="")  # what is read ahead is not of names
            names = next((cells for cells in csv.reader(file, strict=True) if cells), [])
        if "\0" in "".join(names).encode().decode():
            raise UnicodeError
    except UnicodeError as error:
        raise ValueError(f"{path}: expected a line with the names of columns, in UTF-8; found other bytes, as of UTF-16") from error
    except csv.Error as error:
        raise ValueError(f"{path}: expected a line with the names of columns ({error})") from error
    except OSError as error:
        raise error if error.errno else _damaged(path, error) from error
    if not names:
        raise ValueError(f"{path}: expected a line with the names of columns, found none")
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise ValueError(f"{path}: expected names with commas between them, found {names[0]!r}")
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ValueError(f"{path}: columns {names.index(name) + 1} and {place + 1} have the same name {name!r}")
    return tuple(names)


def _batches(path: Path, columns: Sequence[str], rows: int) -> Iterator[Any]:
    pa, reader = arrow(), arrow("csv")
    try:
        with reader.open_csv(
            _unpacked(path),
            reader.ReadOptions(use_threads=False, block_size=_BLOCK),
            reader.ParseOptions(newlines_in_values=True),
            reader.ConvertOptions(column_types=dict.fromkeys(columns, pa.binary()), include_columns=[*columns]),
        ) as batches:
            yield from batches
    except pa.ArrowException as error:
        if ragged := _RAGGED.search(str(error)):
            row, expected, found = map(int, ragged.groups())
            place = f"{path}: row {row - 1}"
            raise ValueError(f"{place}: expected {expected} values, as the first line has names, found {found}") from error
        if "Empty CSV file" in str(error):  # a line of names that does not end
            return
        if "straddl" in str(error):
            raise ValueError(f"{path}: a row of more than {_BLOCK} bytes (a quotation mark may be missing)") from error
        raise _damaged(path, error) from error
    except OSError as error:
        raise error if error.errno else _damaged(path, error) from error


def _unpacked(path: Path) -> Any:
    return arrow().input_stream(path, compression=_PACKED.get(path.suffix.lower()))


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path}: expected a .csv file ({' '.join(str(error).split())})")
