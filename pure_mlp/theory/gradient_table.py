"""Handout 1.2(c) and 1.3: the gradients of the parameters in matrix form."""

from __future__ import annotations

from pure_mlp.theory.document import Document, Heading, Label, Note, Paragraph, Table
from pure_mlp.theory.names import names
from pure_mlp.theory.notation import B1, B2, ELL, LINEAR1, W1, W2, Y_HAT, Z1, Z2, Z3, X, gradient, matrix, partial, transposed
from pure_mlp.theory.problem import Problem
from pure_mlp.theory.statements import checked

B1_NOTE = (
    r"The handout's row $\mathbf{b}^{(1)}$ ends in one more factor $\frac{\partial \mathbf{z}_2}{\partial "
    r"\mathbf{z}_1}$, in all of "
    r"its tables. Its equation (16) is right: there is no such factor, and the shapes would not fit with it."
)
LAYOUT_NOTE = (
    r"Numerator layout is asked. The handout's table is in denominator layout: it writes "
    r"$\frac{\partial \ell}{\partial \mathbf{W}}$ for what has the shape of $\mathbf{W}$, here "
    r"$\nabla_{\mathbf{W}}$, and leaves "
    r"out the transposes above. (6), (7) and (13) mix both: their products are those of numerator layout, in which every "
    r"derivative of $\ell$ is a row, and their results are columns."
)
LIST_NOTE = (
    r"The list of permitted variables in 1.2(c) has $\frac{\partial \mathbf{z}_2}{\partial \hat{\mathbf{y}}}$, a "
    r"derivative of an "
    r"earlier value by a later one. Meant is $\frac{\partial \mathbf{z}_2}{\partial \mathbf{z}_1}$, which its table uses."
)
OUTPUT = rf"{transposed(partial(Y_HAT, Z3))} {transposed(partial(ELL, Y_HAT))}"
HIDDEN_CHAIN = rf"{transposed(partial(Z2, Z1))} {transposed(W2)} {OUTPUT}"
FORMULAS = {
    W1: f"{HIDDEN_CHAIN} {transposed(X)}",
    B1: HIDDEN_CHAIN,
    W2: f"{OUTPUT} {transposed(f'f({LINEAR1})')}",
    B2: OUTPUT,
}
SHAPES = {W1: r"L_1 \times n", B1: "L_1", W2: r"K \times L_1", B2: "K"}


def gradient_table(p: Problem, heading: str = "1.2(c), 1.3 Backward pass") -> Document:
    """The table and the numbers; every formula in it is computed and compared with the gradients of the library's `bwd`.

    >>> from pure_mlp.theory.problem import problem
    >>> len(gradient_table(problem("relu", "identity", "mse", 0))[2].rows)
    4
    """
    known = names(p)
    for name, formula in FORMULAS.items():
        checked(f"{gradient(name)} = {formula}", known)
    rows = tuple((f"${name}$", f"${formula}$", f"${SHAPES[name]}$") for name, formula in FORMULAS.items())
    return (
        Heading(2, heading),
        Paragraph("With the permitted variables alone:"),
        Table(("Parameter", "Gradient", "Shape"), rows),
        Note(Label.MISTAKE, B1_NOTE),
        Note(Label.MISTAKE, LAYOUT_NOTE),
        Note(Label.MISTAKE, LIST_NOTE),
    )


def numbers(p: Problem) -> Document:
    """The gradients that the library returns."""
    known = names(p)
    (w1, b1), (w2, b2) = ((layer.weight, layer.bias.unsqueeze(1)) for layer in p.grads)
    return (
        Paragraph("The gradients are"),
        checked(rf"{gradient(W1)} = {matrix(w1)}, \quad {gradient(B1)} = {matrix(b1)}", known),
        checked(rf"{gradient(W2)} = {matrix(w2)}, \quad {gradient(B2)} = {matrix(b2)}", known),
    )
