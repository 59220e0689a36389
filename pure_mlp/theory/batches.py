"""From one column to a batch of rows: each formula transposed once, as `mlp.py` computes it (handout 2.4)."""

from __future__ import annotations

from pure_mlp.theory.document import Document, Heading, Label, Note, Paragraph, Table
from pure_mlp.theory.names import names
from pure_mlp.theory.notation import B1, B2, ELL, LINEAR1, W1, W2, Y_HAT, Z1, Z2, Z3, X, gradient, partial, transposed
from pure_mlp.theory.problem import Problem
from pure_mlp.theory.statements import checked

DZ1, DZ2, DZ3, DY_HAT = (partial(ELL, vector) for vector in (Z1, Z2, Z3, Y_HAT))
ROWS = (
    (f"{Z1} = {LINEAR1}", "z1 = x @ W1.T + b1", "N, L_1"),
    (f"{Z2} = f({Z1})", "z2 = f(z1)", "N, L_1"),
    (f"{Z3} = {W2} {Z2} + {B2}", "z3 = z2 @ W2.T + b2", "N, K"),
    (f"{Y_HAT} = g({Z3})", "y_hat = g(z3)", "N, K"),
    (rf"{DZ3} = {DY_HAT} \odot g'({Z3})^\top", "dz3 = dy_hat * g_slope(z3)", "N, K"),
    (f"{gradient(W2)} = {transposed(DZ3)} {transposed(Z2)}", "dW2 = dz3.T @ z2", "K, L_1"),
    (f"{gradient(B2)} = {transposed(DZ3)}", "db2 = dz3.sum(0)", "K"),
    (f"{DZ2} = {DZ3} {W2}", "dz2 = dz3 @ W2", "N, L_1"),
    (rf"{DZ1} = {DZ2} \odot f'({Z1})^\top", "dz1 = dz2 * f_slope(z1)", "N, L_1"),
    (f"{gradient(W1)} = {transposed(DZ1)} {transposed(X)}", "dW1 = dz1.T @ x", "L_1, n"),
    (f"{gradient(B1)} = {transposed(DZ1)}", "db1 = dz1.sum(0)", "L_1"),
)
"""Each line of the net: for one example in columns, in code for a batch of rows, and the shape of the result."""


def batches(p: Problem) -> Document:
    """The table of transpositions, its column of mathematics computed for the problem, whose f and g are elementwise.

    >>> from pure_mlp.theory.problem import problem
    >>> batches(problem("relu", "identity", "mse", 0))[2].rows[5][1]
    '`dW2 = dz3.T @ z2`'
    """
    for latex, *_ in ROWS:
        checked(latex, names(p))
    return (
        Heading(2, "From columns to a batch of rows"),
        Paragraph(
            r"The mathematics above has one example in a column. Code keeps the examples of a batch in the rows of "
            r"one matrix: row $b$ of "
            r"`x` is $\mathbf{x}_b^\top$, `x` has the shape $(N, n)$, and every line is transposed once. $\mathbf{W} "
            r"\mathbf{x}$ becomes "
            r"`x @ W.T`. The cotangents need no transposition: a derivative of $\ell$ in numerator layout is a row "
            r"already, so `dz3` holds "
            r"$\frac{\partial \ell}{\partial \mathbf{z}_3}$ of example $b$ in its row $b$. The outer product "
            r"$\left(\frac{\partial \ell}{\partial \mathbf{z}}\right)^\top \mathbf{x}^\top$, a column by a row, "
            r"`dz x^T` in short, becomes `dz.T @ x`, whose inner dimension $N$ is the batch: the product adds up the outer "
            r"products of all examples. The same sum for the bias is `dz.sum(0)`."
        ),
        Table(
            ("One example, in columns", "A batch of $N$ rows", "Shape"),
            tuple((f"${latex}$", f"`{code}`", f"$({shape})$") for latex, code, shape in ROWS),
        ),
        Note(
            Label.REMARK,
            "The sum over the batch belongs to the backward pass, the mean to the loss: with the template's losses "
            "`dy_hat` has the "
            r"factor $\frac{1}{N K}$ in it, and nothing else divides by $N$.",
        ),
    )
