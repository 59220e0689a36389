"""The equations of every loss: formulas that are printed as they stand and computed from their text."""

from __future__ import annotations

from typing import Literal

import attrs
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.theory.definitions import FUNCTIONS
from pure_mlp.theory.formula import parse
from pure_mlp.theory.indexing import base_of, items
from pure_mlp.theory.operations import softmax
from pure_mlp.theory.reading import value


@attrs.frozen
class LossEquations:
    """A loss over the K elements of one example, times the factor c of its reduction.

    Args:
        element: its term of element k, in LaTeX; the loss is c times the sum over k.
        slope: dJ/dy_hat_k without c.
        takes: what y_hat has to be.
        whole: the sum over k in vectors, "" where the sum is as short.
        vector: the slope of all elements at once, a column, "" where it has no shorter form.
    """

    element: str
    element_slope: str
    takes: Literal["numbers", "probabilities", "logits"]
    whole: str = ""
    vector: str = ""

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


SQUARES = LossEquations(
    r"(\hat{y}_k - y_k)^2",
    r"2 (\hat{y}_k - y_k)",
    "numbers",
    r"\left\lVert \hat{\mathbf{y}} - \mathbf{y} \right\rVert^2",
    r"2 (\hat{\mathbf{y}} - \mathbf{y})",
)
LOSS_EQUATIONS: dict[str, LossEquations] = {
    "mse": SQUARES,
    "squared_norm": SQUARES,
    "bce": LossEquations(
        r"-y_k \log(\hat{y}_k) - (1 - y_k) \log(1 - \hat{y}_k)",
        r"\frac{\hat{y}_k - y_k}{\hat{y}_k (1 - \hat{y}_k)}",
        "probabilities",
    ),
    "bce_with_logits": LossEquations(
        r"(1 - y_k) \hat{y}_k - \log(\sigma(\hat{y}_k))",
        r"\sigma(\hat{y}_k) - y_k",
        "logits",
        vector=r"\sigma(\hat{\mathbf{y}}) - \mathbf{y}",
    ),
    "cross_entropy": LossEquations(r"-y_k \log(p_k)", r"p_k \sum_{j=1}^{K} y_j - y_k", "logits"),
}
"""One entry for each of the library's losses; y of `cross_entropy` are the targets, `targets` of the label."""


def targets(q: sp.Matrix, smoothing: sp.Expr, weight: sp.Matrix) -> sp.Matrix:
    """t_k = w_k ((1 - e) q_k + e / K), what `cross_entropy` compares with.

    >>> targets(sp.Matrix([1, 0]), sp.Rational(1, 2), sp.Matrix([1, 2])).T
    Matrix([[3/4, 1/2]])
    """
    return sp.Matrix([w * ((1 - smoothing) * entry + smoothing / len(q)) for w, entry in zip(weight, q)])
