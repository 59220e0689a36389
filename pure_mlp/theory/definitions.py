"""The functions with a letter of their own, each defined by the formula that is printed and computed for it."""

from __future__ import annotations

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.theory.formula import Apply, Fence, Leaf, Node, Row, Script, parse
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.operations import elementwise
from pure_mlp.theory.reading import value

DEFINITIONS = {
    r"\sigma": r"\frac{1}{1 + e^{-z}}",
    r"\Phi": r"\frac{1}{2} (1 + \operatorname{erf}(z / \sqrt{2}))",
    r"\varphi": r"\frac{1}{\sqrt{2 \pi}} e^{-z^2 / 2}",
    "u": r"\sqrt{2 / \pi} (z + 0.044715 z^3)",
    "v": r"\sqrt{2 / \pi} (1 + 0.134145 z^2)",
}
"""By its letter in LaTeX, the function's value at z."""


def _function(latex: str) -> object:
    return elementwise(lambda z: value(latex, {"z": z, "π": sp.pi}))


FUNCTIONS: dict[str, object] = {"π": sp.pi, **{text_math(letter): _function(latex) for letter, latex in DEFINITIONS.items()}}
"""The same functions as values, for `value`."""


def definitions(latex: str) -> str:
    """The definitions of the letters that a formula uses, to stand behind it: "" if it uses none.

    >>> print(definitions(r"z \\sigma(z)"))
    , \\quad \\sigma(z) = \\frac{1}{1 + e^{-z}}
    """
    used = letters(parse(latex))
    return "".join(rf", \quad {letter}(z) = {body}" for letter, body in DEFINITIONS.items() if text_math(letter) in used)


def letters(node: Node) -> frozenset[str]:
    """Every symbol in a formula.

    >>> sorted(letters(parse("x + y^2")))
    ['+', '2', 'x', 'y']
    """
    if isinstance(node, Leaf):
        return frozenset({node.text})
    if isinstance(node, Row):
        parts: tuple[Node | None, ...] = node.items
    elif isinstance(node, Apply):
        parts = node.args
    elif isinstance(node, Script):
        parts = (node.base, node.sub, node.sup)
    else:
        parts = (node.body,) if isinstance(node, Fence) else tuple(cell for row in node.rows for cell in row)
    return frozenset[str]().union(*(letters(part) for part in parts if part is not None))
