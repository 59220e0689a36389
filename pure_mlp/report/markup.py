"""HTML and SVG as nested elements, in which a text is a text: whatever was not made here is escaped."""

from __future__ import annotations

from html import escape

__all__ = ["Markup", "element", "escaped"]


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def element(name: str, *inside: str, **attributes: object) -> Markup:
    """An element; what is inside is escaped unless it is `Markup`.

    Args:
        name: of the element.
        inside: texts and elements.
        attributes: whose underscores become hyphens, one at the end nothing.

    >>> element("p", "a < b ", element("b", "c"), class_="said")
    '<p class="said">a &lt; b <b>c</b></p>'
    """
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{escaped(str(value))}"' for key, value in attributes.items())
    return Markup(f"<{name}{written}>{''.join(text if isinstance(text, Markup) else escaped(text) for text in inside)}</{name}>")


def escaped(text: str) -> Markup:
    """The text as HTML; a character that is none to be seen, such as a bidirectional mark, is written as in Python.

    >>> print(escaped("<\\x1b>"))
    &lt;\\x1b&gt;
    """
    return Markup("".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in escape(text)))
