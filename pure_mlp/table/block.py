"""Some rows of a table as they were read, and what is said of a wrong cell in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

__all__ = ["Block", "Kind"]

Kind = Literal["number", "text"]
"""What a column holds."""
_SHOWN = 60
"""How many characters of a wrong cell are shown."""


@attrs.frozen(eq=False)
class Block:
    """Every `step`-th row from the one with the number `first`, counted from 1, of the table with this name.

    cells: an array of pyarrow for each column.
    """

    name: str
    first: int
    cells: Mapping[str, Any]  # Any: pyarrow has no types
    step: int = 1

    def wrong(self, column: str, i: int, expected: str, found: str | None = None) -> ValueError:
        """The message about the cell in row i of this block, counted from 0. found: in words; the cell itself if not given.

        >>> from pure_mlp.table.arrow import arrow
        >>> Block("a.csv", 100, {"age": arrow().array([b"7", b"old"])}).wrong("age", 1, "a number")
        ValueError("a.csv: row 101, column 'age': expected a number, found 'old'")
        """
        cell = self.cells[column][i].as_py()
        shown = found or repr(cell.decode(errors="backslashreplace") if isinstance(cell, bytes) else cell)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}.. ({len(shown)} characters)"
        return ValueError(f"{self.name}: row {self.first + i * self.step}, column {column!r}: expected {expected}, found {shown}")
