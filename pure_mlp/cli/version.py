"""Which version of this package runs."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """As it was installed, else "not installed".

    >>> bool(version())
    True
    """
    try:
        return metadata.version("pure-mlp")
    except metadata.PackageNotFoundError:
        return "not installed"
