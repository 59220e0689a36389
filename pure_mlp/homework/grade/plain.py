"""Text of strangers, made fit for a terminal and for any encoding."""

from __future__ import annotations


def plain(text: str) -> str:
    r"""`text` with everything escaped that is no printable character: control characters, escape sequences, lone surrogates.

    >>> plain("caf\xe9 \x1b[31m \ud800"), plain("two\nlines")
    ('café \\x1b[31m \\ud800', 'two\\nlines')
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
