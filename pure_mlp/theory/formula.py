# ruff: noqa: RUF001  (the mathematical symbols are meant)
"""The part of LaTeX's mathematics that the documents use, as a tree."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import attrs

SYMBOLS = {
    "alpha": "α", "beta": "β", "delta": "δ", "eta": "η", "theta": "θ", "pi": "π", "sigma": "σ", "varphi": "φ", "Sigma": "Σ",
    "Phi": "Φ", "ell": "ℓ", "partial": "∂", "nabla": "∇", "in": "∈", "times": "×", "cdot": "·", "top": "⊤", "sum": "∑",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "to": "→", "leftarrow": "←", "infty": "∞", "dots": "…",
    "lVert": "‖", "rVert": "‖", "approx": "≈", "odot": "⊙", "propto": "∝", "quad": "\N{EM SPACE}",
}  # fmt: skip
OPERATORS = ("log", "exp", "max", "min", "tanh", "cosh", "sinh", "cos", "sin", "tan", "arg", "det")
STYLES = ("sqrt", "hat", "mathbf", "mathbb")
TOKEN = re.compile(r"\\(?:text|operatorname)\{[^{}]*\}|\\(?:begin|end)\{[a-z]+\}|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.")


@attrs.frozen
class Leaf:
    """A symbol or number, an operator's upright name, or words."""

    text: str
    kind: Literal["symbol", "operator", "text"] = "symbol"


@attrs.frozen
class Row:
    """Parts one after the other."""

    items: tuple[Node, ...]


@attrs.frozen
class Apply:
    """A command with arguments: frac, dfrac (as large as in a display), sqrt, hat, mathbf, mathbb."""

    command: str
    args: tuple[Node, ...]


@attrs.frozen
class Script:
    """A base with what is written below and above its right side."""

    base: Node
    sub: Node | None
    sup: Node | None


@attrs.frozen
class Fence:
    """Delimiters as high as the body; "." is none."""

    left: str
    body: Node
    right: str


@attrs.frozen
class Grid:
    """Rows of cells: a matrix or cases."""

    kind: str
    rows: tuple[tuple[Node, ...], ...]


Node: TypeAlias = "Leaf | Row | Apply | Script | Fence | Grid"


def parse(latex: str) -> Row:
    """The tree of a formula. Raises `ValueError` for a command that is not in the tables above, or a group that does not close.

    >>> parse(r"x^2").items
    (Script(base=Leaf(text='x', kind='symbol'), sub=None, sup=Leaf(text='2', kind='symbol')),)
    """
    tokens = [token for token in TOKEN.findall(latex) if not token.isspace()][::-1]
    try:
        row = _row(tokens, ())
    except (IndexError, KeyError) as error:
        raise ValueError(f"formula {latex!r}: {error}") from error
    return row


def _row(tokens: list[str], stops: tuple[str, ...]) -> Row:
    items: list[Node] = []
    while (tokens[-1] not in stops) if stops else tokens:
        items.append(_scripts(_atom(tokens), tokens))
    return Row(tuple(items))


def _scripts(base: Node, tokens: list[str]) -> Node:
    found: dict[str, Node] = {}
    while tokens and tokens[-1] in ("^", "_", "'"):
        mark = tokens.pop()
        found["^" if mark == "'" else mark] = Leaf("′") if mark == "'" else _atom(tokens)
    return Script(base, found.get("_"), found.get("^")) if found else base


def _atom(tokens: list[str]) -> Node:
    token = tokens.pop()
    name = token[1:]
    if token == "{":
        body = _row(tokens, ("}",))
        tokens.pop()
        return body
    if not token.startswith("\\"):
        return Leaf(token)
    if name in ("frac", "dfrac"):
        return Apply(name, (_atom(tokens), _atom(tokens)))
    if name in STYLES:
        return Apply(name, (_atom(tokens),))
    if name == "left":
        left, body, _, right = tokens.pop(), _row(tokens, ("\\right",)), tokens.pop(), tokens.pop()
        return Fence(left.lstrip("\\"), body, right.lstrip("\\"))
    if name.startswith("begin{"):
        return _grid(tokens, name[6:-1])
    if name.startswith("text{"):
        return Leaf(name[5:-1], "text")
    if name.startswith("operatorname{"):
        return Leaf(name[13:-1], "operator")
    return Leaf(name, "operator") if name in OPERATORS else Leaf(SYMBOLS[name])


def _grid(tokens: list[str], kind: str) -> Grid:
    end = f"\\end{{{kind}}}"
    rows: list[tuple[Node, ...]] = []
    cells: list[Node] = []
    while True:
        cells.append(_row(tokens, ("&", "\\\\", end)))
        mark = tokens.pop()
        if mark != "&":
            rows.append(tuple(cells))
            cells = []
        if mark == end:
            return Grid(kind, tuple(row for row in rows if any(cell != Row(()) for cell in row)))
