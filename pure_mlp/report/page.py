"""A page as one self-contained HTML file, in the style of the page to learn with."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import attrs

from pure_mlp.learn.filled import filled
from pure_mlp.report.markup import Markup, element, escaped

__all__ = ["Section", "figures", "note", "page"]


@attrs.frozen
class Section:
    """A heading, empty for none, and what is under it."""

    heading: str
    parts: Sequence[Markup]


def figures(parts: Sequence[Markup], small: bool = False) -> Markup:
    """Figures beside each other, as many as the screen has room for.

    >>> figures([])
    '<div class="figures"></div>'
    """
    return element("div", *parts, class_="figures small" if small else "figures")


def note(text: str) -> Markup:
    """A sentence about what is shown.

    >>> note("a < b")
    '<p class="note">a &lt; b</p>'
    """
    return element("p", text, class_="note")


def page(title: str, sections: Sequence[Section]) -> str:
    """HTML that loads nothing from anywhere and runs nothing.

    >>> page("run <1>", [Section("losses", [note("none")])]).splitlines()[5]
    '<title>run &lt;1&gt;</title>'
    """
    body = [part for section in sections for part in (*_headed(section.heading), *section.parts)]
    style = files("pure_mlp.learn").joinpath("style.css").read_text(encoding="utf-8")
    room = files("pure_mlp.report")
    parts = {
        "TITLE": escaped(title),
        "STYLE": style,
        "REPORT": room.joinpath("report.css").read_text(encoding="utf-8"),
        "BODY": "\n".join(body),
    }
    return filled(room.joinpath("page.html").read_text(encoding="utf-8"), parts)


def _headed(heading: str) -> list[Markup]:
    return [element("h2", heading)] if heading else []
