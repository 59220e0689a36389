"""The handout's letters in LaTeX, and numbers as the document prints them."""

from __future__ import annotations

from collections.abc import Iterable

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


def gradient(param: str) -> str:
    """The gradient of the loss by a param, of the param's shape.

    >>> gradient("b")
    '\\\\nabla_{b}'
    """
    return rf"\nabla_{{{param}}}"


def transposed(matrix: str) -> str:
    r"""matrix^T, in parentheses unless it is a vector.

    >>> transposed(X), transposed("A B")
    ('\\mathbf{x}^\\top', '\\left(A B\\right)^\\top')
    """
    return rf"{matrix}^\top" if matrix in (X, Z1, Z2, Z3) else rf"\left({matrix}\right)^\top"


def grid(rows: Iterable[Iterable[str]]) -> str:
    """A matrix of formulas.

    >>> grid([["a", "b"]])
    '\\\\left[\\\\begin{matrix}a & b\\\\end{matrix}\\\\right]'
    """
    body = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\left[\begin{{matrix}}{body}\end{{matrix}}\right]"


def matrix(values: Tensor) -> str:
    """A matrix of numbers (rows, columns) with four digits after the point.

    >>> import torch
    >>> matrix(torch.tensor([[1.0, -0.5]]))
    '\\\\left[\\\\begin{matrix}1 & -0.5000\\\\end{matrix}\\\\right]'
    """
    return grid([number(entry) for entry in row] for row in values.tolist())


def number(value: float) -> str:
    """A number with four digits after the point; -1, 0 and 1 are whole.

    >>> number(1.0), number(-0.25)
    ('1', '-0.2500')
    """
    return f"{value + 0.0:.0f}" if value in (-1, 0, 1) else f"{value:.{DIGITS}f}"
