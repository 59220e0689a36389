"""What a cell of a text file says: one rule for every reader."""

from __future__ import annotations

import re

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_HEXADECIMAL = re.compile(r"[+-]?0[xX]", re.ASCII)
MISSING = ("", "na", "n/a", "null", "none")
"""What stands for no number, in lower case."""
OVERFLOW = 2.0**128 - 2.0**103
"""The least number that float32 rounds to infinity."""


def number(cell: str) -> float | None:
    """The decimal number in a cell, spaces and tabs around it allowed; None for any other text.

    None too for what Python's `float` reads and no table means (`1_000`, `nan`, `inf`, digits of other scripts), and for what is
    infinite in float32.

    >>> [number(cell) for cell in ("1.5", " -2e3", "1e300", "1_000", "nan", "0x10")]
    [1.5, -2000.0, None, None, None, None]
    """
    text = cell.strip(" \t")
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) < OVERFLOW else None


def is_header(cells: list[str]) -> bool:
    """Whether a first line holds names: at least one, and nothing that someone may have meant as a number.

    >>> is_header(["age", "height"]), is_header(["1_000", "nan"]), is_header(["age", "7"])
    (True, False, False)
    """
    return any(cell.strip().lower() not in MISSING for cell in cells) and not any(map(meant_as_number, cells))


def meant_as_number(cell: str) -> bool:
    """Whether someone may have meant a number, though no table can hold it.

    >>> [meant_as_number(cell) for cell in ("1.5", "1e300", "1_000", "inf", "0x10", "1,000")]
    [True, True, True, True, True, False]
    """
    try:
        float(cell)
    except ValueError:
        return _HEXADECIMAL.match(cell.strip()) is not None
    return True
