"""Documents as plain text, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

from pure_mlp.theory.document import Block, Document, Equation, Figure, Heading, Note, Table, numbered
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.spans import render

WIDTH = 100
NO_FIGURES = "(Figures are left out of text: ask for a .md, .tex or .pdf file, with `pip install 'pure-mlp[theory]'`.)"


def to_text(document: Document) -> str:
    """The document in lines of up to 100 characters, tables and formulas perhaps longer; figures are their captions.

    >>> print(to_text((Heading(1, "A"), Equation("x^2"))), end="")
    A
    =
    <BLANKLINE>
        x²
    """
    blocks, numbers = numbered(document)
    notice = f"\n\n{NO_FIGURES}" if numbers else ""
    return "\n\n".join(_block(block, numbers) for block in blocks) + notice + "\n"


def plain(text: str) -> str:
    """Inline text without markup.

    >>> plain("the slope $f'$ of `relu`")
    "the slope f' of relu"
    """
    return render(text, str, text_math, str)


def _block(block: Block, numbers: Mapping[str, int]) -> str:
    if isinstance(block, Heading):
        title = plain(block.text)
        return f"{title}\n{'=-~.'[block.level - 1] * len(title)}"
    if isinstance(block, Equation):
        return f"    {text_math(block.latex)}" + (f"    ({block.tag})" if block.tag else "")
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        return "\n".join(wrap(f"[Figure {numbers[block.name]}] {plain(block.caption)}", WIDTH))
    if isinstance(block, Note):
        return "\n".join(wrap(f"{block.label.value}. {plain(block.text)}", WIDTH, initial_indent="! ", subsequent_indent="! "))
    return "\n".join(wrap(plain(block.text), WIDTH))


def _table(table: Table) -> str:
    rows = [[plain(cell) for cell in row] for row in (table.header, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join((lines[0], "  ".join("-" * width for width in widths), *lines[1:]))
