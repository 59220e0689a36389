"""Handout 1.1: the net, its letters, their shapes and the drawn numbers."""

from __future__ import annotations

from pure_mlp.theory.document import Document, Heading, Label, Note, Paragraph, Table
from pure_mlp.theory.names import names
from pure_mlp.theory.notation import B1, B2, ELL, LINEAR1, W1, W2, Y_HAT, Z1, Z2, Z3, X, Y, grid, matrix
from pure_mlp.theory.problem import HIDDEN, N_IN, N_OUT, Problem
from pure_mlp.theory.statements import checked
from pure_mlp.theory.tags import tag

SHAPES = (
    (X, "input", "n", r"n \times B", "N, n"),
    (W1, r"weight of $\text{Linear}_1$", r"L_1 \times n", r"L_1 \times n", "L_1, n"),
    (B1, r"bias of $\text{Linear}_1$", "L_1", "L_1", "L_1"),
    (Z1, r"output of $\text{Linear}_1$", "L_1", r"L_1 \times B", "N, L_1"),
    (Z2, "output of $f$", "L_1", r"L_1 \times B", "N, L_1"),
    (W2, r"weight of $\text{Linear}_2$", r"K \times L_1", r"K \times L_1", "K, L_1"),
    (B2, r"bias of $\text{Linear}_2$", "K", "K", "K"),
    (Z3, r"output of $\text{Linear}_2$", "K", r"K \times B", "N, K"),
    (Y_HAT, "output of $g$, the prediction", "K", r"K \times B", "N, K"),
    (Y, "label", "K", r"K \times B", "N, K"),
)
"""Letter, what it is, its shape for one example, with the handout's batch of columns, and with the rows of `mlp.py`."""


def net(p: Problem) -> Document:
    """The definitions, the shapes of everything and the numbers of this document.

    >>> from pure_mlp.theory.problem import problem
    >>> len(net(problem("relu", "identity", "mse", 0))[3].rows)
    10
    """
    known = names(p)
    labels = [f"y_{k}" for k in range(1, N_OUT + 1)]
    return (
        Heading(2, "1.1 The net and its letters"),
        Paragraph(r"The net is $\text{Linear}_1 \to f \to \text{Linear}_2 \to g$, and one example goes through it as"),
        checked(
            rf"{Z1} = {LINEAR1}, \quad {Z2} = f({Z1}), \quad {Z3} = {W2} {Z2} + {B2}, \quad {Y_HAT} = g({Z3})",
            known,
        ),
        Table(
            ("Letter", "Meaning", "One example", "Handout, batch $B$", "`mlp.py`, batch $N$"),
            tuple((f"${a}$", b, f"${c}$", f"${d}$", f"$({e})$") for a, b, c, d, e in SHAPES),
        ),
        Paragraph(
            rf"Every vector is a column; ${ELL}$, the loss of one example, is a number. Derivatives are in numerator layout: "
            rf"$\frac{{\partial \mathbf{{a}}}}{{\partial \mathbf{{b}}}}$ has the derivative of $a_i$ by $b_j$ in row "
            r"$i$, column "
            rf"$j$, so that the chain rule reads from left to right and $\frac{{\partial \ell}}{{\partial \mathbf{{b}}}}$ is a "
            rf"row. The gradient $\nabla_{{\mathbf{{b}}}} = \left(\frac{{\partial \ell}}{{\partial \mathbf{{b}}}}\right)^\top$ "
            r"is its transpose and has the shape of $\mathbf{b}$. Numbers in parentheses are those of the handout's equations."
        ),
        checked(rf"{Y} = {grid([labels])}^\top", known, tag(p, "y")),
        Note(
            Label.MISTAKE,
            r"In (4) the label ends in $y_n$; it has $K$ elements. The list of shapes in 1.2(b) has "
            r"$\mathbf{W}^{(2)} \mathbf{x} + \mathbf{b}^{(2)}$ for $\mathbf{z}_3$, where the input is $\mathbf{z}_2$.",
        ),
        Paragraph(
            rf"The numbers of this document, drawn with $n = {N_IN}$, $L_1 = {HIDDEN}$ and $K = {N_OUT}$, printed to "
            r"four digits "
            "after the point:"
        ),
        checked(
            rf"{X} = {matrix(p.x.t())}, \quad {W1} = {matrix(p.first.weight)}, \quad {B1} = "
            rf"{matrix(p.first.bias.unsqueeze(1))}",
            known,
        ),
        checked(rf"{W2} = {matrix(p.second.weight)}, \quad {B2} = {matrix(p.second.bias.unsqueeze(1))}", known),
    )
