"""Whether an optional library is there."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["has"]


def has(name: str) -> bool:
    """Whether the library can be imported.

    Args:
        name: of the library, as `import` takes it.

    >>> has("torch"), has("no_such_library")
    (True, False)
    """
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
