"""What an exception comes from, where its own text does not say it to a beginner."""

from __future__ import annotations

import re

__all__ = ["hint"]

ONE_TOO_MANY = r"takes (0 positional arguments but 1 was|1 positional argument but 2 were|2 positional arguments but 3 were) given"
HINTS = (
    (r"shape \[(\d+)\] doesn't match the broadcast shape \[\d+, \1\]", "each example has its row in what is added: .sum(0)"),
    (ONE_TOO_MANY + r" \(line", "is self missing there?"),
    (r"NoneType", "something is None: does a function end without a return?"),
    (r"(?i)cuda", "there is no GPU here, and none is asked for"),
)
"""A pattern of the text with its line, and the hint; a call of ours has no line."""


def hint(error: str) -> str:
    """What to say after the text of an exception: a hint where there is one, and the full stop.

    >>> hint("RuntimeError: output with shape [5] doesn't match the broadcast shape [4, 5] (line 69)")
    ': each example has its row in what is added: .sum(0).'
    >>> hint("KeyError: 'z1'")
    '.'
    """
    text = next((text for pattern, text in HINTS if re.search(pattern, error)), "")
    return (f": {text}" if text else "") + ("" if text.endswith("?") else ".")
