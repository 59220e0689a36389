"""Loading by name or path."""

from __future__ import annotations

from pure_mlp.data.dataset import Dataset
from pure_mlp.data.embedded import EMBEDDED, embedded


def load(name: str) -> Dataset:
    """The shipped data set of that name.

    Raises `ValueError` for anything else.

    >>> load("diabetes").unit
    'points of disease progression'
    """
    if name in EMBEDDED:
        return embedded(name)
    raise ValueError(f"unknown data {name!r}: expected {', '.join(EMBEDDED)}")
