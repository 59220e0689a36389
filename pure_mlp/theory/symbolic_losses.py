"""The equations of the registry's losses, printed as they stand and computed from their text."""

from __future__ import annotations

import attrs
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.registry.equations import LossEquation, Takes
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.theory.definitions import FUNCTIONS
from pure_mlp.theory.formula import parse
from pure_mlp.theory.indexing import base_of, items
from pure_mlp.theory.operations import softmax
from pure_mlp.theory.reading import value


@attrs.frozen
class LossEquations(LossEquation):
    """A loss over the K elements of one example, with what its formulas compute.

    Args:
        takes: what y_hat has to be.
    """

    takes: Takes = "numbers"

    def value(self, y: sp.Matrix, y_hat: sp.Matrix) -> sp.Expr:
        """The sum over k for the label y (K, 1), by the printed formula."""
        return value(self.sum(""), self.names(y, y_hat))

    def slope(self, y: sp.Matrix, y_hat: sp.Matrix) -> sp.Matrix:
        """Its derivative (K, 1), by the printed formula."""
        return sp.Matrix([value(self.element_slope, {**self.names(y, y_hat), "k": k}) for k in range(1, len(y) + 1)])

    def sum(self, factor: str) -> str:
        """The loss of one example in LaTeX.

        >>> LOSS_EQUATIONS["mse"].sum("")
        '\\\\left\\\\lVert \\\\hat{\\\\mathbf{y}} - \\\\mathbf{y} \\\\right\\\\rVert^2'
        """
        return times(factor, self.whole or times(r"\sum_{k=1}^{K}", self.element))

    @staticmethod
    def names(y: sp.Matrix, y_hat: sp.Matrix) -> dict[str, object]:
        """What the letters of the formulas stand for."""
        return {**FUNCTIONS, "y": y, "ŷ": y_hat, "p": softmax(y_hat), "K": len(y)}


def times(factor: str, latex: str) -> str:
    """factor times a formula, in LaTeX, the formula in parentheses where it is a sum.

    >>> times("2", "a b"), times("2", "a + b"), times("", "a + b")
    ('2 a b', '2 \\\\left(a + b\\\\right)', 'a + b')
    """
    depth, is_sum = 0, False
    for node in items(parse(latex)):
        mark = base_of(node)
        depth += (mark in ("(", "[")) - (mark in (")", "]"))
        is_sum |= depth == 0 and mark in ("+", "-")
    if factor == r"\frac{1}{K}" and latex.startswith("2 "):
        return rf"\frac{{2}}{{K}} {latex[2:]}"
    body = rf"\left({latex}\right)" if is_sum and factor else latex
    return f"{factor} {body}".strip()


LOSS_EQUATIONS: dict[str, LossEquations] = {
    name: LossEquations(**attrs.asdict(row.equation), takes=row.takes)
    for name, row in LOSS_ROWS.items()
    if row.equation is not None
}
"""Those of every loss that has any; y of `cross_entropy` are the targets, `targets` of the label."""


def targets(q: sp.Matrix, smoothing: sp.Expr, weight: sp.Matrix) -> sp.Matrix:
    """t_k = w_k ((1 - e) q_k + e / K), what `cross_entropy` compares with.

    >>> targets(sp.Matrix([1, 0]), sp.Rational(1, 2), sp.Matrix([1, 2])).T
    Matrix([[3/4, 1/2]])
    """
    return sp.Matrix([w * ((1 - smoothing) * entry + smoothing / len(q)) for w, entry in zip(weight, q)])
