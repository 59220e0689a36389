"""Examples without labels, from a text file."""

from __future__ import annotations

import csv
from math import isfinite
from pathlib import Path

import torch
from torch import Tensor


def read_features(path: Path, columns: int) -> Tensor:
    """The rows (n, columns) float32 of a .csv file, whose first line may be a header.

    Raises `ValueError` with file and line for a value that is not a finite number, a row of another length, or no rows.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "new.csv").write_text("age,height\\n7,1.2\\n")
    ...     read_features(Path(folder, "new.csv"), 2)
    tensor([[7.0000, 1.2000]])
    """
    rows = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            for number, cells in enumerate(reader, 1):
                if not cells:
                    continue
                if len(cells) != columns:
                    raise ValueError(f"{path}:{number}: {len(cells)} values, the model takes {columns}")
                values = [_number(cell) for cell in cells]
                numbers = [value for value in values if value is not None]
                bad = [cell for cell, value in zip(cells, values) if value is None]
                if not bad:
                    rows.append(numbers)
                elif number > 1 or len(bad) < columns:
                    raise ValueError(f"{path}:{number}: {bad[0]!r} is not a finite number")
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: not a .csv file ({error})") from error
    if not rows:
        raise ValueError(f"{path}: no rows of numbers")
    return torch.tensor(rows, dtype=torch.float32)


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if isfinite(value) else None
