"""Which of the optional libraries are there."""

from __future__ import annotations

from pure_mlp.installed import has

EXTRAS = {"rich": "progress bar and tables", "matplotlib": "curves.png", "numpy": ".npz files"}
INSTALL = "pip install 'pure-mlp[cli]'"


def advice() -> str | None:
    """One line about what is missing and how to install it, or None if nothing is.

    >>> import sys
    >>> from unittest.mock import patch
    >>> with patch.dict(sys.modules, {"rich": None, "matplotlib": None, "numpy": None}):
    ...     print((advice() or "").split(";")[0])
    not installed: rich (progress bar and tables), matplotlib (curves.png), numpy (.npz files)
    """
    missing = [f"{name} ({use})" for name, use in EXTRAS.items() if not has(name)]
    return f"not installed: {', '.join(missing)}; {INSTALL} brings them" if missing else None
