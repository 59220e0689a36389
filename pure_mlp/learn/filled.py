"""A page made of a template and its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["filled"]


def filled(template: str, parts: Mapping[str, str]) -> str:
    """The template with the text of each part in the place of its name; what a part holds is left as it is.

    >>> filled("{{A}} {{B}}", {"A": "{{B}}", "B": "b"})
    '{{B}} b'
    """
    return re.sub(r"{{(\w+)}}", lambda found: parts[found[1]], template)
