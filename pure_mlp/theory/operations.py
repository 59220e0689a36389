"""What the signs and functions of a formula compute, on numbers, symbols and matrices."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types


def where(condition: sp.Basic, yes: sp.Expr, no: sp.Expr) -> sp.Expr:
    """yes where the condition holds, else no.

    >>> where(sp.Symbol("x", positive=True) > 0, sp.Integer(1), sp.Integer(0))
    1
    """
    return sp.Piecewise((yes, condition), (no, True))


def scalar(value: sp.Basic) -> sp.Basic:
    """The entry of a 1 x 1 matrix, else the value itself.

    >>> scalar(sp.Matrix([[5]]))
    5
    """
    return value[0] if isinstance(value, sp.MatrixBase) and value.shape == (1, 1) else value


def add(a: sp.Basic, b: sp.Basic) -> sp.Basic:
    """a + b. Raises `ValueError` where their shapes differ.

    >>> add(sp.Matrix([1, 2]), sp.Matrix([3, 4])).T
    Matrix([[4, 6]])
    """
    if getattr(a, "shape", ()) != getattr(b, "shape", ()):
        raise ValueError(f"shapes {getattr(a, 'shape', ())} and {getattr(b, 'shape', ())} are added")
    return a + b


def multiply(a: sp.Basic, b: sp.Basic) -> sp.Basic:
    """a b, the product of matrices or by a number. Raises `ValueError` where shapes do not fit.

    >>> multiply(sp.Matrix([[1, 2]]), sp.Matrix([3, 4]))
    11
    """
    left, right = getattr(a, "shape", ()), getattr(b, "shape", ())
    if left and right and left[1] != right[0]:
        raise ValueError(f"shapes {left} and {right} are multiplied")
    return scalar(a * b)


def power(a: sp.Basic, exponent: sp.Expr) -> sp.Basic:
    """a to a power. Raises `ValueError` for a matrix.

    >>> power(sp.Integer(3), sp.Integer(2))
    9
    """
    if isinstance(a, sp.MatrixBase):
        raise ValueError("a matrix is raised to a power")
    return a**exponent


def logistic(x: sp.Expr) -> sp.Expr:
    """1 / (1 + exp(-x)).

    >>> logistic(sp.Integer(0))
    1/2
    """
    return 1 / (1 + sp.exp(-x))


def softmax(x: sp.Matrix, m: sp.Expr = sp.S.Zero) -> sp.Matrix:
    """exp(x_k - m) / sum_j exp(x_j - m), whose value no m changes: the library takes the maximum.

    >>> softmax(sp.Matrix([0, 0])).T
    Matrix([[1/2, 1/2]])
    """
    powers = x.applyfunc(lambda entry: sp.exp(entry - m))
    return powers / sum(powers)


def diagonal(*entries: sp.Basic) -> sp.Matrix:
    """The diagonal matrix of numbers, or of the entries of one vector.

    >>> diagonal(sp.Matrix([1, 2]))
    Matrix([
    [1, 0],
    [0, 2]])
    """
    return sp.diag(*(entries[0] if isinstance(entries[0], sp.MatrixBase) else entries))


def elementwise(function: Callable[[sp.Expr], sp.Expr]) -> Callable[[sp.Basic], sp.Basic]:
    """The function of a number, for matrices too.

    >>> elementwise(sp.exp)(sp.Matrix([0])).T
    Matrix([[1]])
    """
    return lambda x: x.applyfunc(function) if isinstance(x, sp.MatrixBase) else function(x)


def larger(a: sp.Basic, b: sp.Expr = sp.S.NegativeInfinity) -> sp.Expr:
    """max(a, b), whose derivative at a tie is that of a; alone, the largest entry of a vector.

    >>> larger(sp.Integer(0), sp.Integer(3))
    3
    """
    return max(a) if isinstance(a, sp.MatrixBase) else where(b > a, b, a)


OPERATIONS: dict[str, Callable[..., sp.Basic]] = {
    "log": elementwise(sp.log),
    "exp": elementwise(sp.exp),
    **{f.__name__: elementwise(f) for f in (sp.tanh, sp.cosh, sp.sinh, sp.cos, sp.sin, sp.tan)},
    "erf": elementwise(sp.erf),
    "max": larger,
    "diag": diagonal,
    "softmax": softmax,
}
"""The functions that a formula may use, by name; π is the number."""
