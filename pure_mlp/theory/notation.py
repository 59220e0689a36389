"""The handout's letters in LaTeX."""

from __future__ import annotations

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
from torch import Tensor

X, Y, Y_HAT = r"\mathbf{x}", r"\mathbf{y}", r"\hat{\mathbf{y}}"
Z1, Z2, Z3 = (rf"\mathbf{{z}}_{i}" for i in (1, 2, 3))
W1, W2 = (rf"\mathbf{{W}}^{{({i})}}" for i in (1, 2))
B1, B2 = (rf"\mathbf{{b}}^{{({i})}}" for i in (1, 2))
ELL = r"\ell"
Y_HAT_K = r"\hat{y}_k"
LINEAR1 = f"{W1} {X} + {B1}"
DIGITS = 4


def partial(of: str, by: str) -> str:
    """d of / d by.

    >>> partial("y", "x")
    '\\\\frac{\\\\partial y}{\\\\partial x}'
    """
    return rf"\frac{{\partial {of}}}{{\partial {by}}}"


def transposed(matrix: str) -> str:
    r"""matrix^T, in parentheses unless it is one bold letter.

    >>> transposed(X), transposed("A B")
    ('\\mathbf{x}^\\top', '\\left(A B\\right)^\\top')
    """
    return rf"{matrix}^\top" if len(matrix) == len(X) else rf"\left({matrix}\right)^\top"


def matrix(values: Tensor) -> str:
    """A matrix of numbers (rows, columns) with four digits after the point.

    >>> import torch
    >>> matrix(torch.tensor([[1.0, -0.5]]))
    '\\\\left[\\\\begin{matrix}1 & -0.5000\\\\end{matrix}\\\\right]'
    """
    rows = " \\\\ ".join(" & ".join(_number(entry) for entry in row) for row in values.tolist())
    return rf"\left[\begin{{matrix}}{rows}\end{{matrix}}\right]"


def _number(value: float) -> str:
    return f"{value + 0.0:.0f}" if value in (-1, 0, 1) else f"{value:.{DIGITS}f}"


def expression(e: sp.Expr) -> str:
    """An expression, its cases written with the indicator function.

    >>> x = sp.Symbol("x")
    >>> expression(sp.Piecewise((1, x > 0), (0, True)))
    '\\\\mathbb{1}_{x > 0}'
    """
    return str(sp.latex(e.replace(sp.Piecewise, _indicators), ln_notation=False))


def _indicators(*cases: tuple[sp.Expr, sp.Basic]) -> sp.Expr:
    (yes, condition), (no, _) = cases
    return yes * _indicator(condition) + no * _indicator(~condition)


def _indicator(condition: sp.Basic) -> sp.Symbol:
    return sp.Symbol(rf"\mathbb{{1}}_{{{sp.latex(condition)}}}")
