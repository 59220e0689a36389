"""From one column to a batch of rows: each formula transposed once, as `mlp.py` computes it (handout 2.4)."""

from __future__ import annotations

from pure_mlp.theory.document import Document, Heading, Label, Note, Paragraph, Table

ROWS = (
    (r"\mathbf{z}_1 = \mathbf{W}^{(1)} \mathbf{x} + \mathbf{b}^{(1)}", "z1 = x @ W1.T + b1", "N, L_1"),
    (r"\mathbf{z}_2 = f(\mathbf{z}_1)", "z2 = f(z1)", "N, L_1"),
    (r"\mathbf{z}_3 = \mathbf{W}^{(2)} \mathbf{z}_2 + \mathbf{b}^{(2)}", "z3 = z2 @ W2.T + b2", "N, K"),
    (r"\hat{\mathbf{y}} = g(\mathbf{z}_3)", "y_hat = g(z3)", "N, K"),
    (
        r"\frac{\partial \ell}{\partial \mathbf{z}_3} = \frac{\partial \ell}{\partial \hat{\mathbf{y}}} \odot g'(\mathbf{z}_3)^\top",
        "dz3 = dy_hat * g_slope(z3)",
        "N, K",
    ),
    (r"\nabla_{\mathbf{W}^{(2)}} = \left(\frac{\partial \ell}{\partial \mathbf{z}_3}\right)^\top \mathbf{z}_2^\top", "dW2 = dz3.T @ z2", "K, L_1"),
    (r"\nabla_{\mathbf{b}^{(2)}} = \left(\frac{\partial \ell}{\partial \mathbf{z}_3}\right)^\top", "db2 = dz3.sum(0)", "K"),
    (
        r"\frac{\partial \ell}{\partial \mathbf{z}_2} = \frac{\partial \ell}{\partial \mathbf{z}_3} \mathbf{W}^{(2)}",
        "dz2 = dz3 @ W2",
        "N, L_1",
    ),
    (
        r"\frac{\partial \ell}{\partial \mathbf{z}_1} = \frac{\partial \ell}{\partial \mathbf{z}_2} \odot f'(\mathbf{z}_1)^\top",
        "dz1 = dz2 * f_slope(z1)",
        "N, L_1",
    ),
    (r"\nabla_{\mathbf{W}^{(1)}} = \left(\frac{\partial \ell}{\partial \mathbf{z}_1}\right)^\top \mathbf{x}^\top", "dW1 = dz1.T @ x", "L_1, n"),
    (r"\nabla_{\mathbf{b}^{(1)}} = \left(\frac{\partial \ell}{\partial \mathbf{z}_1}\right)^\top", "db1 = dz1.sum(0)", "L_1"),
)
"""Each line of the net: for one example in columns, in code for a batch of rows, and the shape of the result."""


def batches() -> Document:
    """The table of transpositions.

    >>> batches()[2].rows[5][1]
    '`dW2 = dz3.T @ z2`'
    """
    return (
        Heading(2, "From columns to a batch of rows"),
        Paragraph(
            r"The mathematics above has one example in a column. Code keeps the examples of a batch in the rows of one matrix: row $b$ of "
            r"`x` is $\mathbf{x}_b^\top$, `x` has the shape $(N, n)$, and every line is transposed once. $\mathbf{W} \mathbf{x}$ becomes "
            r"`x @ W.T`. The cotangents need no transposition: a derivative of $\ell$ in numerator layout is a row already, so `dz3` holds "
            r"$\frac{\partial \ell}{\partial \mathbf{z}_3}$ of example $b$ in its row $b$. The outer product "
            r"$\left(\frac{\partial \ell}{\partial \mathbf{z}}\right)^\top \mathbf{x}^\top$, a column by a row, in short "
            r"`dz x^T`, becomes `dz.T @ x`, whose inner dimension $N$ is the batch: the product adds up the outer products of all examples. "
            r"The same sum for the bias is `dz.sum(0)`."
        ),
        Table(
            ("One example, in columns", "A batch of $N$ rows", "Shape"),
            tuple((f"${latex}$", f"`{code}`", f"$({shape})$") for latex, code, shape in ROWS),
        ),
        Note(
            Label.REMARK,
            "The sum over the batch belongs to the backward pass, the mean to the loss: with the template's losses `dy_hat` has the "
            r"factor $\frac{1}{N K}$ in it, and nothing else divides by $N$.",
        ),
    )
