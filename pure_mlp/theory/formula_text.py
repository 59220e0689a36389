# ruff: noqa: RUF001  (the mathematical symbols are meant)
"""Formulas on one line of plain text."""

from __future__ import annotations

import re
import unicodedata

from pure_mlp.theory.formula import SYMBOLS, Apply, Fence, Grid, Leaf, Node, Row, Script, parse

SPACED = "=+<>≤≥≠→≈∝∈←↦×·⊙"
FRACTIONS = ("frac", "dfrac")
SUPERSCRIPTS = {"2": "²", "3": "³", "⊤": "ᵀ", "T": "ᵀ", "′": "'"}


def text_math(latex: str) -> str:
    """A formula of LaTeX in Unicode. Raises `ValueError` as `parse` does.

    >>> text_math(r"\\frac{\\partial \\ell}{\\partial \\mathbf{x}} = 2 (\\hat{y} - y)^\\top")
    '∂ℓ/∂x = 2(ŷ - y)ᵀ'
    """
    return text_of(parse(latex))


def text_of(node: Node) -> str:
    """A part of a formula in Unicode, the name under which its value is looked up.

    >>> text_of(parse(r"\\mathbf{W}^{(1)}"))
    'W^(1)'
    """
    return " ".join(_node(node).split())


def _node(node: Node) -> str:
    if isinstance(node, Leaf):
        return f"{node.text} " if node.kind == "operator" else f" {node.text} " if node.kind == "text" else node.text
    if isinstance(node, Row):
        return _row(node)
    if isinstance(node, Apply):
        args = [_node(arg).strip() for arg in node.args]
        if node.command in FRACTIONS:
            return f"{_group(args[0])}/{_group(args[1])}"
        if node.command == "hat":
            return unicodedata.normalize("NFC", args[0] + "\u0302")
        return f"√{args[0] if len(args[0]) == 1 else f'({args[0]})'}" if node.command == "sqrt" else args[0]
    if isinstance(node, Script):
        below = "" if node.sub is None else f"_{_group(_node(node.sub).strip())}"
        above = "" if node.sup is None else _above(_node(node.sup).strip())
        space = " " if isinstance(node.base, Leaf) and (node.base.kind == "operator" or node.base.text == "∑") else ""
        return f"{_node(node.base).rstrip()}{below}{above}{space}"
    if isinstance(node, Fence):
        left, right = (SYMBOLS.get(mark, mark.replace(".", "")) for mark in (node.left, node.right))
        return _node(node.body).strip() if isinstance(_only(node.body), Grid) else f"{left}{_node(node.body).strip()}{right}"
    return _grid(node)


def _row(row: Row) -> str:
    out = ""
    before: Node = row
    for item in row.items:
        word = _node(item)
        if word.startswith("(") and _is(before, "operator"):
            out = out.rstrip()
        elif _factors(before, item, out, word):
            apart = _is(item, "operator") or word[0] == "∑" or re.search(r"_\w+$", out.strip())
            out += " · " if _is(before, *FRACTIONS) or _is(item, *FRACTIONS) else " " if apart else ""
        before = item
        if word in SPACED or (word == "-" and out.strip() and out.strip()[-1] not in f"([{{,;{SPACED}-/"):
            word = f" {word} "
        elif word == ",":
            word = ", "
        out += word
    return out


def _is(node: Node, *what: str) -> bool:
    """Whether a node, its scripts left out, is an operator's name or a fraction."""
    node = node.base if isinstance(node, Script) else node
    return (isinstance(node, Leaf) and node.kind in what) or (isinstance(node, Apply) and node.command in what)


def _factors(before: Node, item: Node, out: str, word: str) -> bool:
    """Whether two parts that follow each other are multiplied."""
    ends = bool(out.strip()) and out.strip()[-1] not in f"([{{,;{SPACED}-/∑∂∇" and not _is(before, "text")
    return ends and word[:1] not in f")]}},;{SPACED}-/" and not _is(item, "text")


def _above(text: str) -> str:
    return SUPERSCRIPTS.get(text) or (f"^{text}" if re.fullmatch(r"\w|\(\w\)", text) else f"^({text})")


def _group(text: str) -> str:
    return f"({text})" if re.search(r"[ +\-/,(]", text) and not re.fullmatch(r"-?\d+", text) else text


def _grid(grid: Grid) -> str:
    cells = [[_node(cell).strip() for cell in row] for row in grid.rows]
    if grid.kind == "cases":
        return f"{{ {'; '.join(map(' '.join, cells))} }}"
    return f"[{'; '.join(map(', '.join, cells))}]"


def _only(node: Node) -> Node:
    return node.items[0] if isinstance(node, Row) and len(node.items) == 1 else node
