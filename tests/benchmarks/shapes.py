"""The nets that are timed: batch size and widths."""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """Batch size, and the widths from input to output."""

    batch: int
    sizes: tuple[int, ...]


def shape_name(name: str) -> str:
    """A name that `SHAPES` has, for a command line. Raises `ValueError` for another."""
    if name not in SHAPES:
        raise ValueError(name)
    return name


SHAPES = {
    "tiny": Shape(10, (2, 20, 5)),
    "tiny2": Shape(32, (13, 50, 1)),
    "small": Shape(64, (64, 128, 10)),
    "deepnarrow": Shape(64, (64,) * 9),
    "mnist": Shape(128, (784, 800, 10)),
    "wide": Shape(1024, (1024, 4096, 1024)),
    "deepwide": Shape(512, (1024,) * 7),
}
