"""The equations of every loss as sympy expressions, summed with the factor c that a reduction stands for."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.theory.symbolic import logistic, softmax_fwd


@attrs.frozen(eq=False)
class LossEquations:
    """A loss for sympy over the elements of one example: J = c * value(y, y_hat), dJ/dy_hat = c * slope(y, y_hat).

    `value_latex` and `slope_latex` are the docstring's equations, c left out, the first for vectors, the second for element k.
    """

    value: Callable[[sp.Matrix, sp.Matrix], sp.Expr]
    slope: Callable[[sp.Matrix, sp.Matrix], sp.Matrix]
    value_latex: str
    slope_latex: str


def _summed(
    element: Callable[[sp.Expr, sp.Expr], sp.Expr], slope: Callable[[sp.Expr, sp.Expr], sp.Expr], *latex: str
) -> LossEquations:
    return LossEquations(lambda y, y_hat: sum(map(element, y, y_hat)), lambda y, y_hat: sp.Matrix([*map(slope, y, y_hat)]), *latex)


def targets(q: sp.Matrix, smoothing: sp.Expr, weight: sp.Matrix) -> sp.Matrix:
    """t_k = w_k ((1 - e) q_k + e / K), what `cross_entropy` compares with.

    >>> targets(sp.Matrix([1, 0]), sp.Rational(1, 2), sp.Matrix([1, 2])).T
    Matrix([[3/4, 1/2]])
    """
    return sp.Matrix([w * ((1 - smoothing) * entry + smoothing / len(q)) for w, entry in zip(weight, q)])


def _cross_entropy(t: sp.Matrix, z: sp.Matrix) -> sp.Expr:
    return -sum(entry * sp.log(p) for entry, p in zip(t, softmax_fwd(z)))


def _cross_entropy_slope(t: sp.Matrix, z: sp.Matrix) -> sp.Matrix:
    return softmax_fwd(z) * sum(t) - t


SQUARES = (
    lambda y, y_hat: (y_hat - y) ** 2,
    lambda y, y_hat: 2 * (y_hat - y),
    r"\left\lVert \hat{\mathbf{y}} - \mathbf{y} \right\rVert^2",
    r"2 (\hat{y}_k - y_k)",
)
LOSS_EQUATIONS: dict[str, LossEquations] = {
    "mse": _summed(*SQUARES),
    "squared_norm": _summed(*SQUARES),
    "bce": _summed(
        lambda y, y_hat: -(y * sp.log(y_hat) + (1 - y) * sp.log(1 - y_hat)),
        lambda y, y_hat: (y_hat - y) / (y_hat * (1 - y_hat)),
        r"\sum_k (-y_k \log(\hat{y}_k) - (1 - y_k) \log(1 - \hat{y}_k))",
        r"\frac{\hat{y}_k - y_k}{\hat{y}_k (1 - \hat{y}_k)}",
    ),
    "bce_with_logits": _summed(
        lambda y, z: (1 - y) * z - sp.log(logistic(z)),
        lambda y, z: logistic(z) - y,
        r"\sum_k ((1 - y_k) \hat{y}_k - \log(\sigma(\hat{y}_k)))",
        r"\sigma(\hat{y}_k) - y_k",
    ),
    "cross_entropy": LossEquations(
        _cross_entropy,
        _cross_entropy_slope,
        r"-\mathbf{y}^\top \log(\operatorname{softmax}(\hat{\mathbf{y}}))",
        r"p_k \sum_j y_j - y_k, \quad \mathbf{p} = \operatorname{softmax}(\hat{\mathbf{y}})",
    ),
}
"""One entry for each of the library's losses; y of `cross_entropy` are the targets, `targets` of the label."""
