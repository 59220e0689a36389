"""Warnings in one line each."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO

from pure_mlp.cli.printing import printable


@contextmanager
def warned_in_a_line(command: str) -> Generator[None]:
    """Inside, a warning is one line on stderr that begins with the command; the filters stay as they are.

    >>> from contextlib import redirect_stderr
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("always")
    ...     with redirect_stderr(sys.stdout), warned_in_a_line("pure-mlp train"):
    ...         warnings.warn("there is no C compiler")
    pure-mlp train: there is no C compiler
    """

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        print(printable(f"{command}: {' '.join(str(message).split())}"), file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show  # ty: ignore[invalid-assignment]  # to ty only the function of typeshed has its type
        yield
