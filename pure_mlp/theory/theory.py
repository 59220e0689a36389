"""The document for one net."""

from __future__ import annotations

from pure_mlp.losses.reduction import Reduction
from pure_mlp.theory.derivation import derivation
from pure_mlp.theory.document import Document, Heading, Paragraph
from pure_mlp.theory.five_steps import five_steps
from pure_mlp.theory.forward_table import forward_table
from pure_mlp.theory.gradient_table import gradient_table, numbers
from pure_mlp.theory.graphs import graphs
from pure_mlp.theory.jacobians import jacobians
from pure_mlp.theory.merging import merging
from pure_mlp.theory.net import net
from pure_mlp.theory.problem import problem
from pure_mlp.theory.rates import rates
from pure_mlp.theory.softargmax import softargmax
from pure_mlp.theory.transformations import transformations
from pure_mlp.theory.vanishing import vanishing


def theory(f: str, g: str, loss: str, seed: int, reduction: Reduction = "mean") -> Document:
    """Part 1 of the homework for one net; every formula computed and compared with the library while it is made.

    Args:
        f: the activation after Linear_1, by name.
        g: the activation after Linear_2, by name.
        loss: by name.
        seed: of the numbers drawn and of the measurements.
        reduction: of the loss.

    Raises `ValueError` as `problem` does, and `ArithmeticError` where a printed formula and the library differ by more than
    rounding.

    >>> theory("relu", "identity", "bce", 0)
    Traceback (most recent call last):
    ValueError: bce takes probabilities, which g = identity does not give; use sigmoid, softmax or bce_with_logits
    """
    p = problem(f, g, loss, seed, reduction)
    return (
        Heading(1, "Backpropagation: the theory, computed"),
        Paragraph(
            rf"The net $\text{{Linear}}_1 \to f \to \text{{Linear}}_2 \to g$ with $f$ = `{f}`, $g$ = `{g}` and the loss "
            rf"`{loss}` (reduction `{reduction}`), numbers drawn by seed {seed}. Every displayed equation is read "
            r"back from what is "
            "printed, and each of its sides is compared with what the library computes, while the document is made."
        ),
        *net(p),
        *five_steps(),
        *forward_table(p),
        *gradient_table(p),
        *derivation(p),
        *numbers(p),
        *jacobians(p),
        *vanishing(seed),
        *concepts(seed),
    )


def concepts(seed: int) -> Document:
    """Handout 1.4, (a) to (f)."""
    return (*softargmax(), *merging(seed), *graphs(), *transformations(), *rates(seed))
