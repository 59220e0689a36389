"""Documents as Markdown with mathematics between dollars, as GitHub shows it."""

from __future__ import annotations

from collections.abc import Mapping

from pure_mlp.theory.document import Block, Document, Equation, Figure, Heading, Note, Table, numbered
from pure_mlp.theory.spans import render

NO_FIGURES = "*Figures are left out: matplotlib is not installed (`pip install 'pure-mlp[theory]'`).*"


def to_markdown(document: Document, figures: str | None) -> str:
    """The document; `figures` is what stands before a figure's name in the path of its SVG file, or None to leave figures out.

    >>> print(to_markdown((Heading(2, "A"), Equation("x^2")), None), end="")
    ## A
    <BLANKLINE>
    $$x^2$$
    """
    blocks, numbers = numbered(document)
    shown = tuple(block for block in blocks if figures is not None or not isinstance(block, Figure))
    notice = "" if len(shown) == len(document) else f"\n\n{NO_FIGURES}"
    return "\n\n".join(_block(block, figures or "", numbers) for block in shown) + notice + "\n"


def _block(block: Block, figures: str, numbers: Mapping[str, int]) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Equation):
        return f"$${block.latex}{_tag(block)}$$"
    if isinstance(block, Table):
        rows = [block.header, ("---",) * len(block.header), *block.rows]
        return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)
    if isinstance(block, Figure):
        return f"![]({figures}{block.name}.svg)\n\n*Figure {numbers[block.name]}. {block.caption}*"
    return f"> **{block.label.value}.** {block.text}" if isinstance(block, Note) else block.text


def _tag(equation: Equation) -> str:
    return rf" \tag{{{equation.tag}}}" if equation.tag else ""


def _cell(text: str) -> str:
    return render(
        text, lambda prose: prose.replace("|", "\\|"), lambda latex: f"${latex}$", lambda code: f"`{code}`".replace("|", "\\|")
    )
