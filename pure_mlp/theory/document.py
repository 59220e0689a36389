"""A document as a value: blocks, which the writers turn into text, Markdown, LaTeX or PDF.

Prose, captions and cells of tables hold `$..$` for inline mathematics in LaTeX and backquotes for code.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs


@attrs.frozen
class Heading:
    """A title: level 1 for the document, 2 for its parts, 3 below."""

    level: int
    text: str


@attrs.frozen
class Paragraph:
    """Prose."""

    text: str


@attrs.frozen
class Note:
    """Prose that stands out: what the handout says wrongly, and what is right."""

    text: str


@attrs.frozen
class Equation:
    """A displayed equation in LaTeX, without dollars."""

    latex: str


@attrs.frozen
class Table:
    """Cells of inline text: every row is as long as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@attrs.frozen
class Curve:
    """A line through the points (x_i, y_i); `style` is matplotlib's line style and marker, as "--" or "o-"; shade 0 is "
    "black."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    style: str = "-"
    label: str = ""
    shade: float = 0.0


@attrs.frozen
class Panel:
    """One pair of axes: its curves, its plain words, and whether axes are logarithmic or of one scale."""

    title: str
    curves: tuple[Curve, ...]
    x_label: str = ""
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False
    equal: bool = False


@attrs.frozen
class Figure:
    """Panels in `columns` columns, each `height` inches high, and a caption. `name` serves as the name of its file."""

    name: str
    caption: str
    panels: tuple[Panel, ...]
    columns: int
    height: float


Block: TypeAlias = "Heading | Paragraph | Note | Equation | Table | Figure"
Document: TypeAlias = "tuple[Block, ...]"
