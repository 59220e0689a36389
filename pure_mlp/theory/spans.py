"""Inline text: prose, mathematics between dollars, code between backquotes."""

from __future__ import annotations

import re
from collections.abc import Callable

SPAN = re.compile(r"\$([^$]+)\$|`([^`]+)`")


def render(text: str, prose: Callable[[str], str], math: Callable[[str], str], code: Callable[[str], str]) -> str:
    """The text with each kind of span passed through its function.

    >>> render("a $x$ and `f`", str.upper, lambda latex: f"<{latex}>", lambda source: f"[{source}]")
    'A <x> AND [f]'
    """
    out, end = [], 0
    for span in SPAN.finditer(text):
        out += [prose(text[end : span.start()]), math(span[1]) if span[1] else code(span[2])]
        end = span.end()
    return "".join((*out, prose(text[end:])))
