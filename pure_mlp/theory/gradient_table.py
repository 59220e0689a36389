"""Handout 1.2(c) and 1.3: the gradients of the parameters in matrix form."""

from __future__ import annotations

from torch import Tensor

from pure_mlp.theory.document import Document, Equation, Heading, Note, Paragraph, Table
from pure_mlp.theory.jacobians import by_sympy
from pure_mlp.theory.notation import B1, B2, ELL, LINEAR1, W1, W2, Y_HAT, Z1, Z2, Z3, X, matrix, partial, transposed
from pure_mlp.theory.problem import Problem, verified

B1_NOTE = (
    r"The handout's row $\mathbf{b}^{(1)}$ ends in one more factor $\partial \mathbf{z}_2 / \partial \mathbf{z}_1$, in all of "
    r"its tables. "
    r"Its equation (16) is right: there is no such factor, and the shapes would not fit with it."
)
LAYOUT_NOTE = (
    r"Numerator layout is asked, and the handout's table is in denominator layout: it writes $\partial \ell / \partial "
    r"\mathbf{W}$ for what "
    r"has the shape of $\mathbf{W}$. In numerator layout the chain rule runs from the left, $\partial \ell / \partial "
    r"\mathbf{z}_1$ is a "
    r"row, and the gradient $\nabla$, which has the shape of its parameter, is the transpose of the derivative."
)


def gradient_table(p: Problem) -> Document:
    """The table and the numbers; every row compared with the library's `bwd`.

    >>> from pure_mlp.theory.problem import problem
    >>> len(gradient_table(problem("relu", "identity", "mse", 0))[2].rows)
    4
    """
    output = rf"{transposed(partial(Y_HAT, Z3))} {transposed(partial(ELL, Y_HAT))}"
    hidden = rf"{transposed(partial(Z2, Z1))} {transposed(W2)} {output}"
    z2 = p.f_equations.of(LINEAR1)
    formulas = (f"{hidden} {transposed(X)}", hidden, rf"{output} {transposed(z2)}", output)
    computed = tuple(getattr(grads, name) for grads in p.grads for name in ("weight", "bias"))
    shapes = (r"L_1 \times n", "L_1", r"K \times L_1", "K")
    rows = tuple(
        (f"${name}$", f"${formula}$", f"${shape}$", verified(gradient, expected, float(p.dy_hat.abs().max())))
        for name, formula, shape, gradient, expected in zip((W1, B1, W2, B2), formulas, shapes, computed, by_formula(p))
    )
    shown = (gradient if gradient.dim() == 2 else gradient.unsqueeze(1) for gradient in computed)
    return (
        Heading(2, "1.2(c), 1.3 Backward pass"),
        Paragraph(
            r"Each formula is evaluated with Jacobians that sympy differentiates from the forward equations, and compared "
            r"with the "
            r"gradients that the library's `bwd` returns; the largest difference is the error."
        ),
        Table(("Parameter", "Gradient", "Shape", "Error"), rows),
        Note(f"Mistake in the handout. {B1_NOTE}"),
        Note(f"Mistake in the handout. {LAYOUT_NOTE}"),
        Paragraph("For the drawn numbers"),
        Equation(
            rf"{X} = {matrix(p.x.t())}, \quad {W1} = {matrix(p.first.weight)}, \quad {B1} = {matrix(p.first.bias.unsqueeze(1))}"
        ),
        Equation(
            rf"{W2} = {matrix(p.second.weight)}, \quad {B2} = {matrix(p.second.bias.unsqueeze(1))}, \quad "
            rf"\mathbf{{y}} = {matrix(p.y.t())}, \quad {Y_HAT} = {matrix(p.y_hat.t())}"
        ),
        Paragraph(rf"the loss is $\ell = {p.J.item():.4f}$ and the library returns"),
        *(Equation(rf"\nabla_{{{name}}} = {matrix(gradient)}") for name, gradient in zip((W1, B1, W2, B2), shown)),
    )


def by_formula(p: Problem) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four gradients by the formulas of the table: (L1, n), (L1,), (K, L1), (K,).

    >>> from pure_mlp.theory.problem import problem
    >>> [tuple(gradient.shape) for gradient in by_formula(problem("relu", "identity", "mse", 0))]
    [(3, 2), (3,), (2, 3), (2,)]
    """
    dz2, dy_hat, dl = by_sympy(p)
    output = dy_hat.t() @ dl.t()
    hidden = dz2.t() @ p.second.weight.t() @ output
    return hidden @ p.x, hidden.squeeze(1), output @ p.z2, output.squeeze(1)
