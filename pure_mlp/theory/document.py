"""A document as a value: blocks, which the writers turn into text, Markdown, LaTeX or PDF.

Prose, captions and cells of tables hold `$..$` for inline mathematics in LaTeX and backquotes for code.
"""

from __future__ import annotations

import re
from enum import Enum
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


class Label(Enum):
    """What a note is: the handout is wrong; the handout is right and more can be said; the numbers of a computer differ."""

    MISTAKE = "Mistake in the handout"
    REMARK = "Remark"
    FLOATING_POINT = "Floating point"


@attrs.frozen
class Note:
    """Prose that stands out under its label."""

    label: Label
    text: str


@attrs.frozen
class Equation:
    """A displayed equation in LaTeX, without dollars; tag is the number that the handout gives it."""

    latex: str
    tag: str = ""


@attrs.frozen
class Table:
    """Cells of inline text: every row is as long as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@attrs.frozen
class Curve:
    """A line through the points (x_i, y_i), of any number of points.

    Args:
        x: of the points, in units of the axis.
        y: of the points.
        style: matplotlib's line style and marker, as "--" or "o-".
        label: in the legend; none if empty.
        shade: of grey, 0 is black.
        filled: whether its markers are; a hollow one marks an end that does not belong to the line.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    style: str = "-"
    label: str = ""
    shade: float = 0.0
    filled: bool = True


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
class Edge:
    """A value between two boxes and its cotangent, as they are printed."""

    name: str
    values: tuple[str, ...]
    cotangents: tuple[str, ...]


@attrs.frozen
class Chain:
    """Boxes in a row, with one edge before, between and behind them."""

    boxes: tuple[str, ...]
    edges: tuple[Edge, ...]


@attrs.frozen
class Figure:
    """Panels in `columns` columns, each `height` inches high, and a caption. `name` serves as the name of its file."""

    name: str
    caption: str
    panels: tuple[Panel | Chain, ...]
    columns: int
    height: float


Block: TypeAlias = "Heading | Paragraph | Note | Equation | Table | Figure"
Document: TypeAlias = "tuple[Block, ...]"

REFERENCE = re.compile(r"\[figure (\w+)\]")


def numbered(document: Document) -> tuple[Document, dict[str, int]]:
    """The document with every `[figure NAME]` in its prose replaced by "Figure 1" and so on, and the numbers by name.

    Raises `ValueError` for a figure without a reference, and a reference without a figure.

    >>> numbered((Paragraph("as [figure curve] shows"), Figure("curve", "", (), 1, 2.0)))[0][0].text
    'as Figure 1 shows'
    """
    names = [block.name for block in document if isinstance(block, Figure)]
    numbers = {name: number for number, name in enumerate(names, 1)}
    texts = [block.text for block in document if isinstance(block, (Paragraph, Note))]
    referred = {name for text in texts for name in REFERENCE.findall(text)}
    if referred != numbers.keys():
        raise ValueError(f"figures {sorted(numbers)}, and references to {sorted(referred)}")
    return tuple(
        attrs.evolve(block, text=REFERENCE.sub(lambda found: f"Figure {numbers[found[1]]}", block.text))
        if isinstance(block, (Paragraph, Note))
        else block
        for block in document
    ), numbers
