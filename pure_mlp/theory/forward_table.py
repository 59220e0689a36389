"""Handout 1.2(b) and 1.3: inputs and outputs of each layer for one example."""

from __future__ import annotations

import torch

from pure_mlp.theory.document import Document, Equation, Heading, Note, Paragraph, Table
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.notation import B2, LINEAR1, W2, Y_HAT, X, Y
from pure_mlp.theory.problem import HIDDEN, N_IN, N_OUT, Problem, symbols_of, tensor_of, verified

LONGEST = 48
MSE_NOTE = (
    r"The handout's 1.2 writes MSE as the squared norm $\left\lVert \hat{\mathbf{y}} - \mathbf{y} \right\rVert^2$ of one "
    r"sample, a sum "
    r"over $K$, "
    r"and BCE as a mean over $K$. Its template takes the mean over all elements, of batch and features. The reductions differ "
    r"by the "
    r"factor $c$ alone: `mean` $1 / (N K)$, `batchmean` $1 / N$, `sum` $1$; the squared norm is `squared_norm`."
)
BCE_NOTE = (
    r"The question 1.3(b) writes BCE as $-(\hat{y} \log \hat{y} + (1 - \hat{y}) \log(1 - \hat{y}))$, which is the entropy of "
    r"the "
    r"prediction and does not know the label. Right is $-(y \log \hat{y} + (1 - y) \log(1 - \hat{y}))$, as in its own solution."
)


def forward_table(p: Problem) -> Document:
    """The table and the equations of f, g and the loss; every row compared with the library's `fwd`.

    >>> from pure_mlp.theory.problem import problem
    >>> [type(block).__name__ for block in forward_table(problem("relu", "identity", "mse", 0))][:2]
    ['Heading', 'Paragraph']
    """
    hidden = p.f_equations.of(LINEAR1)
    z3 = f"{W2} {hidden} + {B2}" if p.f_equations.call else f"{W2} ({hidden}) + {B2}"
    y_hat = p.g_equations.of(z3)
    value = p.loss_equations.value_latex
    written = value.replace(Y_HAT, y_hat)
    c = "" if p.factor == 1 else r"\frac{1}{K} "
    rows = (
        (r"$\text{Linear}_1$", X, LINEAR1),
        (f"$f$ = `{p.f}`", LINEAR1, hidden),
        (r"$\text{Linear}_2$", hidden, z3),
        (f"$g$ = `{p.g}`", z3, y_hat),
        (f"Loss = `{p.loss}`", y_hat, c + (written if len(text_math(written)) <= LONGEST else value)),
    )
    cells = tuple((name, f"${a}$", f"${b}$", error) for (name, a, b), error in zip(rows, errors(p)))
    return (
        Heading(2, "1.2(b), 1.3 Forward pass"),
        Paragraph(
            f"One example, vectors as columns: ${X} \\in \\mathbb{{R}}^n$, ${W2} \\in \\mathbb{{R}}^{{K \\times L_1}}$, "
            f"${Y}, {Y_HAT} \\in \\mathbb{{R}}^K$. The last column is the largest difference between the library's `fwd` and "
            f"sympy's "
            f"value of the same equation, in float64, for $n = {N_IN}$, $L_1 = {HIDDEN}$, $K = {N_OUT}$ and the drawn numbers "
            f"below."
        ),
        Table(("Layer", "Input", "Output", "Error"), cells),
        Paragraph("The functions, and the loss of one example:"),
        Equation(f"f(z) = {p.f_equations.value}"),
        Equation(f"g(z) = {p.g_equations.value}"),
        Equation(rf"\ell({Y_HAT}, {Y}) = {c}{value}"),
        Note(f"Mistake in the handout. {MSE_NOTE}"),
        *((Note(f"Mistake in the handout. {BCE_NOTE}"),) if p.loss.startswith("bce") else ()),
    )


def errors(p: Problem) -> tuple[str, ...]:
    """Of each row, the difference of the library's result from sympy's. Raises `ArithmeticError` if one is not rounding.

    >>> from pure_mlp.theory.problem import problem
    >>> len(errors(problem("gelu", "tanh", "mse", 0)))
    5
    """
    f = p.f_equations.fwd(symbols_of(p.z1))
    g = p.g_equations.fwd(symbols_of(p.z3))
    J = p.factor * p.loss_equations.value(symbols_of(p.y), symbols_of(p.y_hat))
    return (
        verified(p.z1, p.x @ p.first.weight.t() + p.first.bias),
        verified(p.z2, tensor_of(f.evalf().T)),
        verified(p.z3, p.z2 @ p.second.weight.t() + p.second.bias),
        verified(p.y_hat, tensor_of(g.evalf().T)),
        verified(p.J, torch.tensor(float(J), dtype=torch.float64)),
    )
