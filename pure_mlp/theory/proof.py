"""Proof that a backward equation is the transposed Jacobian of the forward equation, applied to dy."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.theory.symbolic import Equations
from pure_mlp.theory.symbolic_losses import LossEquations


def column(name: str, signs: Iterable[bool | None]) -> sp.Matrix:
    """Real symbols name_1, name_2, ..: positive for True, negative for False, of any sign for None.

    >>> column("x", [True, None])[0].is_positive
    True
    """
    signed = {True: {"positive": True}, False: {"negative": True}, None: {"real": True}}
    return sp.Matrix([sp.Symbol(f"{name}_{i}", **signed[sign]) for i, sign in enumerate(signs, 1)])


def residual(outputs: sp.Matrix, inputs: sp.Matrix, dy: sp.Matrix, dx: sp.Matrix) -> sp.Matrix:
    """dx - (d outputs / d inputs)^T dy, simplified: zeros if dx is right.

    >>> x, dy = column("x", [None]), column("d", [None])
    >>> residual(x.applyfunc(sp.sin), x, dy, sp.Matrix([dy[0] * sp.cos(x[0])]))
    Matrix([[0]])
    """
    return (dx - outputs.jacobian(inputs).T * dy).applyfunc(sp.simplify)


def activation_residual(equations: Equations, signs: Iterable[bool | None]) -> sp.Matrix:
    """The residual of an activation at a generic point whose elements have these signs.

    >>> from pure_mlp.theory.symbolic import activation
    >>> activation_residual(activation("relu"), [True, False]).T
    Matrix([[0, 0]])
    """
    x = column("x", signs)
    dy = column("d", [None] * len(x))
    y = equations.fwd(x)
    return residual(y, x, dy, equations.bwd(x, y, dy))


def loss_residual(loss: LossEquations, y: sp.Matrix) -> sp.Matrix:
    """The residual of a loss whose J has the cotangent c, at a generic y_hat for the label y (K,).

    >>> from pure_mlp.theory.symbolic_losses import LOSS_EQUATIONS
    >>> loss_residual(LOSS_EQUATIONS["mse"], column("y", [None] * 2)).T
    Matrix([[0, 0]])
    """
    y_hat = column("p", [True] * len(y))
    c = sp.Symbol("c", positive=True)
    return residual(sp.Matrix([loss.value(y, y_hat)]), y_hat, sp.Matrix([c]), c * loss.slope(y, y_hat))


def linear_residuals(batch: int, n_in: int, n_out: int) -> dict[str, sp.Matrix]:
    """The residuals of Y = X W^T + b for dX = dY W, dW = dY^T X, db = sum of dY over the batch, by the name of the input.

    >>> linear_residuals(1, 1, 1)["bias"]
    Matrix([[0]])
    """
    X, W, dY = (
        sp.Matrix(*shape, lambda i, j, name=name: sp.Symbol(f"{name}_{i}{j}", real=True))
        for name, shape in {"x": (batch, n_in), "w": (n_out, n_in), "d": (batch, n_out)}.items()
    )
    b = column("b", [None] * n_out)
    ones = sp.ones(batch, 1)
    Y = flat(X * W.T + ones * b.T)
    claims = {"x": (X, dY * W), "weight": (W, dY.T * X), "bias": (b, dY.T * ones)}
    return {name: residual(Y, flat(inputs), flat(dY), flat(claim)) for name, (inputs, claim) in claims.items()}


def flat(matrix: sp.Matrix) -> sp.Matrix:
    """The entries, row by row, as one column.

    >>> flat(sp.Matrix([[1, 2], [3, 4]])).T
    Matrix([[1, 2, 3, 4]])
    """
    return matrix.reshape(len(matrix), 1)
