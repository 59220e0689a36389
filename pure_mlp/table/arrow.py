"""pyarrow, which reads the files and knows the frames of other libraries. It is an extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["arrow"]


def arrow(module: str = "") -> Any:  # Any: pyarrow has no types
    """pyarrow, or one of its modules, imported now.

    Raises `ValueError` that names the extra where it is not installed.

    >>> arrow("compute").add(1, 2).as_py()
    3
    """
    try:
        return import_module(f"pyarrow.{module}" if module else "pyarrow")
    except ImportError as error:
        raise ValueError("tables are read by pyarrow, which is not installed: pip install 'pure-mlp[data]'") from error
