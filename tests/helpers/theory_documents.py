"""Documents that the tests of the theory look at, and what they look for in them."""

from __future__ import annotations

from functools import cache

from pure_mlp.theory import derivation, forward_table, gradient_table, jacobians
from pure_mlp.theory.document import (
    Document,
    Equation,
    Figure,
    Heading,
    Label,
    Note,
    Panel,
    Paragraph,
    Table,
)
from pure_mlp.theory.handout import handout
from pure_mlp.theory.net import net
from pure_mlp.theory.problem import problem
from pure_mlp.theory.spans import SPAN
from pure_mlp.theory.write_text import to_text


@cache
def whole() -> Document:
    """The handout's document, made once."""
    return handout(0)


def plain() -> str:
    """Its text on one line."""
    return " ".join(to_text(whole()).replace("\n! ", "\n").split())


def tables(f: str, g: str, loss: str) -> Document:
    p = problem(f, g, loss, 1)
    return (
        *net(p),
        *forward_table.forward_table(p),
        *gradient_table.gradient_table(p),
        *derivation.derivation(p),
        *gradient_table.numbers(p),
        *jacobians.jacobians(p),
    )


def formulas(document: Document) -> list[str]:
    out = []
    for block in document:
        if isinstance(block, Equation):
            out.append(block.latex)
        texts = block.rows if isinstance(block, Table) else ()
        plain = (block.text,) if isinstance(block, (Heading, Paragraph, Note)) else ()
        out += [span[1] for text in (*plain, *(cell for row in texts for cell in row)) for span in SPAN.finditer(text) if span[1]]
    return out


def notes(document: Document, label: Label) -> str:
    return " ".join(block.text for block in document if isinstance(block, Note) and block.label == label)


def panels(document: Document) -> list[Panel]:
    shown = [panel for block in document if isinstance(block, Figure) for panel in block.panels]
    return [panel for panel in shown if isinstance(panel, Panel)]
