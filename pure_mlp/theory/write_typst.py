"""Documents as Typst source, and through it as PDF."""

from __future__ import annotations

import re

from pure_mlp.theory.document import Block, Document, Equation, Figure, Heading, Note, Table, numbered
from pure_mlp.theory.formula_typst import typst_math
from pure_mlp.theory.spans import render

PREAMBLE = """#set document(title: "Backpropagation", date: none)
#set page(paper: "a4", margin: 2cm, numbering: "1")
#set text(size: 10pt)
#set par(justify: true)
#set table(stroke: none, inset: (x: 5pt, y: 3.5pt))
#show heading.where(level: 1): set text(size: 15pt)
#show heading.where(level: 2): set block(above: 1.8em)
#show heading.where(level: 3): set block(above: 1.5em)
#show figure.caption: set text(size: 9pt)
#show table: set par(justify: false)
#show table: set text(size: 9pt, top-edge: "bounds", bottom-edge: "bounds")
#show raw: set text(size: 8.5pt)
"""

LONG = 10
"""Tables of more rows may run on to the next page."""


def to_typst(document: Document) -> str:
    """Typst source; figures are read from NAME.svg beside it.

    >>> print(to_typst((Heading(2, "A"), Equation("x^2"))).splitlines()[-1])
    $ attach(x, t: 2) $
    """
    return PREAMBLE + "\n\n".join(map(_block, numbered(document)[0])) + "\n"


def escape(text: str) -> str:
    """Prose with the characters that Typst reserves protected.

    >>> escape("#1 at 50 $")
    '\\\\#1 at 50 \\\\$'
    """
    return re.sub(r"([\\#$*_`<>@~\[\]/=+-])", r"\\\1", text)


def _inline(text: str, display: bool = False) -> str:
    math = "$display({})$" if display else "${}$"
    return render(text, escape, lambda latex: math.format(typst_math(latex)), lambda code: f"`{code}`")


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'=' * block.level} {_inline(block.text)}"
    if isinstance(block, Equation):
        formula = f"$ {typst_math(block.latex)} $"
        return f"#math.equation(block: true, numbering: _ => [({block.tag})], {formula})" if block.tag else formula
    if isinstance(block, Table):
        cells = "\n".join("  " + " ".join(f"[{_inline(cell, display=True)}]," for cell in row) for row in block.rows)
        header = " ".join(f"[*{_inline(cell)}*]," for cell in block.header)
        breakable = str(len(block.rows) > LONG).lower()
        return (
            f"#align(center, block(breakable: {breakable}, table(columns: {len(block.header)}, align: left + horizon,\n"
            f"  table.hline(), table.header({header}), table.hline(stroke: 0.5pt),\n{cells}\n  table.hline())))"
        )
    if isinstance(block, Figure):
        return f'#figure(image("{block.name}.svg", width: 100%), placement: none, caption: [{_inline(block.caption)}])'
    if isinstance(block, Note):
        words = f"*{block.label.value}.* {_inline(block.text)}"
        return f"#block(stroke: (left: 2pt), inset: (left: 8pt, y: 3pt), breakable: false)[{words}]"
    if block.text.endswith((":", " are", " is", " as")):
        return f"#block(sticky: true)[{_inline(block.text)}]"
    return _inline(block.text)
