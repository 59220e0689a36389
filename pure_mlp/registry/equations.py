"""Equations in LaTeX, which the theory document prints and `pure_mlp.theory` reads as sympy expressions."""

from __future__ import annotations

from math import inf
from typing import Literal, TypeAlias

import attrs

__all__ = ["Equation", "LossEquation", "Takes"]

Takes: TypeAlias = Literal["numbers", "probabilities", "logits"]
"""What a loss takes for y_hat: any numbers, numbers in [0, 1], or any numbers that it squashes itself."""


@attrs.frozen
class Equation:
    """An activation y = f(x), in LaTeX.

    Args:
        call: the name of the function, "" for the identity.
        value: f(z); of softmax its element k.
        slope: f'(z), perhaps in terms of f(z); with equals signs, every side is printed. For softmax, entry (i, j) of its Jacobian.
        low: the lower bound of f(z).
        high: its upper bound.
        by_output: f'(z) written in y = f(z), "" where y does not determine it.
        elementwise: whether y_k depends on x_k alone.
    """

    call: str
    value: str
    slope: str
    low: float = -inf
    high: float = inf
    by_output: str = ""
    elementwise: bool = True


@attrs.frozen
class LossEquation:
    """A loss over the K elements of one example, in LaTeX, without the factor of a reduction.

    Args:
        element: its term of element k; the loss is the sum over k.
        element_slope: dJ/dy_hat_k.
        whole: the sum over k in vectors, "" where the sum is as short.
        vector: the slope of all elements at once, a column, "" where it has no shorter form.
    """

    element: str
    element_slope: str
    whole: str = ""
    vector: str = ""
