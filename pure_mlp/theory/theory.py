"""The whole document."""

from __future__ import annotations

from pure_mlp.losses.reduction import Reduction
from pure_mlp.theory.document import Document, Heading, Paragraph
from pure_mlp.theory.five_steps import five_steps
from pure_mlp.theory.forward_table import forward_table
from pure_mlp.theory.gradient_table import gradient_table
from pure_mlp.theory.graphs import graphs
from pure_mlp.theory.jacobians import jacobians
from pure_mlp.theory.merging import merging
from pure_mlp.theory.problem import problem
from pure_mlp.theory.rates import rates
from pure_mlp.theory.softargmax import softargmax
from pure_mlp.theory.transformations import transformations
from pure_mlp.theory.vanishing import vanishing


def theory(f: str, g: str, loss: str, seed: int, reduction: Reduction = "mean") -> Document:
    """Part 1 of the homework for f, g and the loss, by name; every row checked against the library while it is made.

    Raises `ValueError` as `problem` does, and `ArithmeticError` where the library and sympy differ by more than rounding.

    >>> theory("relu", "identity", "bce", 0)
    Traceback (most recent call last):
    ValueError: bce takes probabilities, which g = identity does not give; use sigmoid, softmax or bce_with_logits
    """
    p = problem(f, g, loss, seed, reduction)
    return (
        Heading(1, "Backpropagation: the theory, computed"),
        Paragraph(
            rf"The net $\text{{Linear}}_1 \to f \to \text{{Linear}}_2 \to g$ with $f$ = `{f}`, $g$ = `{g}` and the loss "
            rf"`{loss}` (reduction "
            f"`{reduction}`), numbers drawn by seed {seed}. Everything here is computed by the library's own functions while "
            f"the document "
            "is made; where a column is called error, it holds the largest difference from an independent derivation by sympy."
        ),
        *five_steps(),
        *forward_table(p),
        *gradient_table(p),
        *jacobians(p),
        *vanishing(seed),
        *softargmax(),
        *merging(seed),
        *graphs(),
        *transformations(),
        *rates(seed),
    )
