"""Elements of vectors and matrices, and derivatives, by the indices that stand in their scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.theory.formula import Apply, Leaf, Node, Row, Script
from pure_mlp.theory.formula_text import text_of

Names: TypeAlias = Mapping[str, object]
"""Numbers, matrices, functions and whole numbers (indices) by the plain text of their LaTeX."""


def items(node: Node) -> tuple[Node, ...]:
    """The parts of a row, or the node alone.

    >>> from pure_mlp.theory.formula import parse
    >>> [item.text for item in items(parse("a b"))]
    ['a', 'b']
    """
    return node.items if isinstance(node, Row) else (node,)


def base_of(node: Node) -> str:
    """The symbol that a node is, with or without scripts; "" for anything else.

    >>> from pure_mlp.theory.formula import parse
    >>> base_of(parse(r"\\sum_k").items[0])
    '∑'
    """
    node = node.base if isinstance(node, Script) else node
    return node.text if isinstance(node, Leaf) and node.kind != "text" else ""


def index(node: Node, names: Names) -> int:
    """An index, counted from 0. Raises `ValueError` unless it is a digit from 1 or the name of a whole number.

    >>> index(Leaf("2"), {}), index(Leaf("k"), {"k": 1})
    (1, 0)
    """
    known = names.get(text_of(node), text_of(node))
    number = int(known) if isinstance(known, int) or (isinstance(known, str) and known.isdigit()) else 0
    if number < 1:
        raise ValueError(f"index {text_of(node)!r} has no value from 1")
    return number - 1


def split(node: Node, names: Names) -> tuple[Node, list[int]]:
    """A vector or matrix and the indices that its script has behind it.

    >>> from pure_mlp.theory.formula import parse
    >>> vector, indices = split(parse("z_{1,2}").items[0], {"z_1": sp.Matrix([3, 4])})
    >>> text_of(vector), indices
    ('z_1', [1])
    """
    if text_of(node) in names or not isinstance(node, Script) or node.sub is None:
        return node, []
    marks = [item for item in items(node.sub) if text_of(item) != ","]
    for n in (2, 1):
        below = Row(tuple(marks[:-n])) if marks[:-n] else None
        whole = Script(node.base, below, node.sup) if below or node.sup else node.base
        matrix = isinstance(names.get(text_of(whole)), sp.MatrixBase)
        if len(marks) >= n and (n == 1 or text_of(whole) == "δ" or matrix):
            return whole, [index(mark, names) for mark in marks[-n:]]
    return node, []


def element(node: Script, names: Names) -> sp.Basic | None:
    """The entry that the indices name, Kronecker's delta too; None where they name none.

    >>> from pure_mlp.theory.formula import parse
    >>> element(parse("z_2").items[0], {"z": sp.Matrix([3, 4])})
    4
    """
    vector, indices = split(node, names)
    if text_of(vector) == "δ":
        return sp.Integer(indices[0] == indices[1])
    found = names.get(text_of(vector))
    if isinstance(found, sp.MatrixBase) and indices:
        return sp.Matrix(found)[tuple(indices) if len(indices) == 2 else indices[0]]
    return None


def derivative(above: tuple[Node, ...], below: tuple[Node, ...], names: Names) -> sp.Basic:
    """A Jacobian, or the entry of it that the indices name; two below name an entry of the transposed matrix.

    >>> from pure_mlp.theory.formula import parse
    >>> fraction = parse(r"\\frac{\\partial y_1}{\\partial x_2}").items[0]
    >>> derivative(*map(items, fraction.args), {"∂y/∂x": sp.Matrix([[5, 6]])})
    6
    """
    (of, row), (by, column) = split(above[1], names), split(below[1], names)
    found = names[text_of(Apply("frac", (Row((above[0], of)), Row((below[0], by)))))]
    if not row + column or not isinstance(found, sp.MatrixBase):
        return found
    jacobian = sp.Matrix(found)
    return jacobian[tuple(column[::-1])] if len(column) == 2 else jacobian[(row or [0])[0], column[0]]
