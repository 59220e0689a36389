"""Text that comes from files, names and errors, on a terminal."""

from __future__ import annotations

import io
import sys


def printable(text: str) -> str:
    """The text with every character that is none to be seen (control characters, bidirectional marks, lone surrogates) escaped.

    >>> print(printable("a\\x1b[2Jb"))
    a\\x1b[2Jb
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def say(text: str = "") -> None:
    """Print one line of it, escaped.

    >>> say("two\\nlines")
    two\\nlines
    """
    print(printable(text))


def never_fail_to_encode() -> None:
    """Let stdout and stderr write what their encoding lacks as an escape, rather than raise.

    >>> never_fail_to_encode()
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
