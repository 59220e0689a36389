"""Handout 1.2(d) and 1.3: the elements of dz2/dz1, dy_hat/dz3 and dl/dy_hat, with shapes, in symbols and in numbers."""

from __future__ import annotations

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Tensor

from pure_mlp.cli.functions import ACTIVATIONS
from pure_mlp.layer import Activation
from pure_mlp.theory.document import Block, Document, Equation, Heading, Note, Paragraph, Table
from pure_mlp.theory.notation import ELL, Y_HAT, Y_HAT_K, Z1, Z2, Z3, expression, matrix, partial
from pure_mlp.theory.problem import HIDDEN, N_OUT, Problem, derivative, symbols_of, verified
from pure_mlp.theory.symbolic import Equations

RELU_NOTE = (
    r"(17) asks for $z_2 > 0$. That says the same as $z_1 > 0$, since $z_2 = \max(0, z_1)$; "
    r"at $z_1 = 0$ the derivative is taken as 0."
)
SIGMOID_NOTE = (
    r"In (20) and (27) the index on the diagonal of $\partial \mathbf{z}_2 / \partial \mathbf{z}_1$ runs to $L_1$, the width of "
    r"the hidden layer, not to $K$ as in (27)."
)
BCE_NOTE = (
    r"(24) divides by zero at $\hat{y} = 0$ and $\hat{y} = 1$, which a saturated float32 sigmoid reaches at $z = 17$. torch "
    r"clamps each "
    r"logarithm at $-100$ and the denominator at $10^{-12}$, and so does `bce`; better, `bce_with_logits` works on the logits "
    r"with "
    r"the fused gradient (26), $(\hat{y} - y) / K$."
)
LONGEST = 95


def jacobians(p: Problem) -> Document:
    """The three derivatives, sympy's against the library's `bwd`.

    >>> from pure_mlp.theory.problem import problem
    >>> jacobians(problem("relu", "identity", "mse", 0))[0].text
    '1.2(d), 1.3 The elements of the Jacobians'
    """
    dz2, dy_hat, dl = by_sympy(p)
    rows = (
        (partial(Z2, Z1), r"L_1 \times L_1", verified(by_library(ACTIVATIONS[p.f], p.z1), dz2)),
        (partial(Y_HAT, Z3), r"K \times K", verified(by_library(ACTIVATIONS[p.g], p.z3), dy_hat)),
        (partial(ELL, Y_HAT), r"1 \times K", verified(p.dy_hat, dl)),
    )
    c = "" if p.factor == 1 else r"\frac{1}{K} \cdot "
    return (
        Heading(2, "1.2(d), 1.3 The elements of the Jacobians"),
        Table(("Derivative", "Shape", "Error"), tuple((f"${name}$", f"${shape}$", error) for name, shape, error in rows)),
        Paragraph(
            "Numerator layout: row $i$, column $j$ is the derivative of output $i$ by input $j$. Error: the largest "
            "difference between "
            "the Jacobian of the forward equation as sympy differentiates it, and the one that the library's `bwd` gives, "
            "row by row from unit cotangents."
        ),
        *_jacobian("f", Z2, Z1, ("z_{1,", "z_{2,"), p.f, p.f_equations, HIDDEN, dz2),
        *_note(p.f),
        *_jacobian("g", Y_HAT, Z3, ("z_{3,", r"\hat{y}_{"), p.g, p.g_equations, N_OUT, dy_hat),
        Paragraph(f"The loss `{p.loss}`, one row whose element $k$ is"),
        Equation(f"{partial(ELL, Y_HAT_K)} = {c}{p.loss_equations.slope_latex}"),
        Equation(f"{partial(ELL, Y_HAT)} = {matrix(dl)}"),
        *((Note(f"Mistake in the handout. {BCE_NOTE}"),) if p.loss.startswith("bce") else ()),
    )


def by_sympy(p: Problem) -> tuple[Tensor, Tensor, Tensor]:
    """dz2/dz1 (L1, L1), dy_hat/dz3 (K, K) and dl/dy_hat (1, K), differentiated from the forward equations.

    >>> from pure_mlp.theory.problem import problem
    >>> [tuple(J.shape) for J in by_sympy(problem("relu", "identity", "mse", 0))]
    [(3, 3), (2, 2), (1, 2)]
    """
    y = symbols_of(p.y)
    loss = derivative(lambda y_hat: sp.Matrix([p.factor * p.loss_equations.value(y, y_hat)]), p.y_hat)
    return derivative(p.f_equations.fwd, p.z1), derivative(p.g_equations.fwd, p.z3), loss


def by_library(layer: Activation, z: Tensor) -> Tensor:
    """dy/dz (K, K) of one example z (1, K): row i is the dx that `bwd` makes of the cotangent e_i.

    >>> by_library(ACTIVATIONS["relu"], torch.tensor([[-1.0, 2.0]])).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    n = z.shape[1]
    _, cache = layer.fwd((), z.expand(n, n))
    return layer.bwd((), cache, torch.eye(n, dtype=z.dtype))[0]


def elements(equations: Equations, size: int, names: tuple[str, str]) -> sp.Matrix:
    """The Jacobian in symbols, from the backward equation: row i is dx for the cotangent e_i. names begin those of x_i and y_i.

    >>> from pure_mlp.theory.symbolic import activation
    >>> elements(activation("sigmoid"), 1, ("x_{", "y_{"))
    Matrix([[y_{1}*(1 - y_{1})]])
    """
    x, y = (sp.Matrix([sp.Symbol(f"{name}{i}}}", real=True) for i in range(1, size + 1)]) for name in names)
    return sp.Matrix.vstack(*(equations.bwd(x, y, sp.eye(size).col(i)).T for i in range(size)))


def _jacobian(
    letter: str, of: str, by: str, names: tuple[str, str], name: str, equations: Equations, size: int, values: Tensor
) -> tuple[Block, ...]:
    entries = elements(equations, size, names).applyfunc(sp.nsimplify)
    written = [[expression(entry) for entry in entries.row(i)] for i in range(size)]
    if max(len(entry) for row in written for entry in row) > LONGEST:
        written = [[rf"{letter}'({names[0]}{i + 1}}})" if i == j else "0" for j in range(size)] for i in range(size)]
    rows = r" \\ ".join(" & ".join(row) for row in written)
    slope = rf"{letter}'(z) = {equations.slope}" if name != "softmax" else rf"{partial('y_k', 'z_j')} = {equations.slope}"
    left = partial(of, by)
    return (
        Paragraph(f"${letter}$ = `{name}`:"),
        Equation(slope),
        Equation(rf"{left} = \left[\begin{{matrix}}{rows}\end{{matrix}}\right]"),
        Equation(f"{left} = {matrix(values)}"),
    )


def _note(f: str) -> tuple[Block, ...]:
    notes = {"relu": RELU_NOTE, "sigmoid": SIGMOID_NOTE}
    return (Note(f"Mistake in the handout. {notes[f]}"),) if f in notes else ()
