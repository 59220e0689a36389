"""Reading a .csv file of numbers."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor

from pure_mlp.data.cells import is_header, number


def read_csv(path: Path, columns: int) -> Tensor:
    """The rows (n, columns) float32 of a .csv file in UTF-8, whose first line may be a header; empty lines are skipped.

    Raises `ValueError` with file, line and column, both counted from 1, for a cell that is not a decimal number finite in float32,
    a row of another length, a name that two columns have; and for a file that is no such text. Raises `OSError` for none.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "new.csv").write_text("age,height\\n7,1.2\\n")
    ...     read_csv(Path(folder, "new.csv"), 2)
    tensor([[7.0000, 1.2000]])
    """
    values = array("f")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_without_nul(path, file), strict=True)
        try:
            first = True
            for cells in reader:
                if not cells:
                    continue
                place = f"{path}: line {reader.line_num}"
                if len(cells) != columns:
                    raise ValueError(f"{place}: expected {columns} values, as the model takes, found {len(cells)}")
                if first and is_header(cells):
                    _refuse_twins(place, cells)
                else:
                    values.extend(_numbers(place, cells))
                first = False
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: line {reader.line_num + 1}: expected a .csv file in UTF-8 ({error})") from error
    if not values:
        raise ValueError(f"{path}: expected rows of numbers, found none")
    return torch.frombuffer(bytearray(values.tobytes()), dtype=torch.float32).reshape(-1, columns)


def _numbers(place: str, cells: list[str]) -> Iterator[float]:
    for column, cell in enumerate(cells, 1):
        value = number(cell)
        if value is None:
            raise ValueError(f"{place}, column {column}: expected a decimal number that is finite in float32, found {cell!r}")
        yield value


def _refuse_twins(place: str, names: list[str]) -> None:
    for column, name in enumerate(names):
        if name and name in names[:column]:
            raise ValueError(f"{place}, column {column + 1}: the name {name!r} again, column {names.index(name) + 1} has it")


def _without_nul(path: Path, file: TextIO) -> Iterator[str]:
    for line_number, line in enumerate(file, 1):
        if "\0" in line:
            raise ValueError(f"{path}: line {line_number}: expected a .csv file in UTF-8, found a NUL byte")
        yield line
