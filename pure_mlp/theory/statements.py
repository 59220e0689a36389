"""Equations as statements: each side is read from what is printed, and all sides have to agree."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.theory.document import Equation
from pure_mlp.theory.formula import Node, Row, parse
from pure_mlp.theory.indexing import Names, base_of, items
from pure_mlp.theory.reading import value

BOUND, PRINTED = 1e-10, 5.001e-5
"""How far sides may differ: the rounding of float64, and that of a number printed with four digits after the point."""


def statements(latex: str | Node) -> tuple[tuple[Node, ...], ...]:
    """The statements of a formula, which `, \\quad` separates, each as the sides of its equals signs.

    >>> len(statements(r"a = b = c, \\quad f(x, y) = z")[0])
    3
    """
    out: list[list[list[Node]]] = [[[]]]
    depth = 0
    nodes = [node for node in items(parse(latex) if isinstance(latex, str) else latex) if base_of(node) != "\N{EM SPACE}"]
    for node in nodes:
        mark = base_of(node)
        depth += (mark in "([") * (mark != "") - (mark in ")]") * (mark != "")
        if mark == "," and depth == 0:
            out.append([[]])
        elif mark == "=" and depth == 0:
            out[-1].append([])
        else:
            out[-1][-1].append(node)
    return tuple(tuple(Row(tuple(side)) for side in statement) for statement in out)


def sides(latex: str) -> tuple[Node, ...]:
    """The sides of the first statement.

    >>> len(sides("a = b"))
    2
    """
    return statements(latex)[0]


def checked(latex: str, names: Names, tag: str = "", **over: Iterable[object]) -> Equation:
    """The equation, once all sides of each of its statements have been computed and agree.

    Args:
        latex: statements with `, \\quad` between them.
        names: what the letters stand for.
        tag: the number that the equation has in the handout.
        over: letters that range over values; the equation has to hold for all of them.

    Raises `ArithmeticError` where two sides differ by more than rounding, and `ValueError` for what cannot be computed.

    >>> checked("(x + 1)^2 = x^2 + 2 x + 1", {}, x=[sp.Integer(0), sp.Integer(3)]).latex
    '(x + 1)^2 = x^2 + 2 x + 1'
    """
    for point in product(*over.values()):
        known = {**names, **dict(zip(over, point))}
        for statement in statements(latex):
            first, *others = ((value(side, known), literal(side)) for side in statement)
            for other in others:
                if difference(first[0], other[0]) > (PRINTED if first[1] or other[1] else BOUND):
                    raise ArithmeticError(f"{latex} does not hold: {first[0]} and {other[0]}, at {dict(zip(over, point))}")
    return Equation(latex, tag)


def literal(side: Node) -> bool:
    """Whether a side is made of numbers alone.

    >>> literal(parse("2 + 3")), literal(parse("x"))
    (True, False)
    """
    try:
        value(side, {})
    except ValueError:
        return False
    return True


def difference(a: sp.Basic, b: sp.Basic) -> float:
    """The largest difference of entries, relative where they are large; infinite where shapes differ.

    >>> difference(sp.Matrix([1, 2]), sp.Matrix([1, 2.5]))
    0.2
    """
    if getattr(a, "shape", ()) != getattr(b, "shape", ()):
        return float("inf")
    pairs = zip(a, b) if isinstance(a, sp.MatrixBase) else [(a, b)]
    return max(abs(float(x) - float(y)) / max(1.0, abs(float(y))) for x, y in pairs)
