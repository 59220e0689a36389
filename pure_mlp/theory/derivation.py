"""Handout 1.2(c), its equations (1) to (16): the backward pass from the loss to the input, each cotangent with its value."""

from __future__ import annotations

from torch import Tensor

from pure_mlp.theory.chain import chain as chain_figure
from pure_mlp.theory.document import Block, Document, Heading, Label, Note, Paragraph
from pure_mlp.theory.elements import elements
from pure_mlp.theory.forward_table import factor
from pure_mlp.theory.names import names
from pure_mlp.theory.notation import B1, B2, ELL, LINEAR1, W1, W2, Y_HAT, Z1, Z2, Z3, X, gradient, matrix, partial, transposed
from pure_mlp.theory.problem import HIDDEN, N_IN, N_OUT, Problem
from pure_mlp.theory.statements import checked
from pure_mlp.theory.symbolic import Softmax
from pure_mlp.theory.symbolic_losses import times
from pure_mlp.theory.tags import tag

FUSED = {("sigmoid", "bce"): r"\left(\hat{\mathbf{y}} - \mathbf{y}\right)^\top"}
"""dl/dz3 without its factor, where g and the loss cancel each other."""


def derivation(p: Problem, level: int = 3) -> Document:
    """The chain rule from the right end of the net to its left; every side of every equation is computed and compared.

    >>> from pure_mlp.theory.problem import problem
    >>> [block.text for block in derivation(problem("relu", "identity", "mse", 0)) if isinstance(block, Heading)]
    ['Step by step, in numerator layout']
    """
    return (
        Heading(level, "Step by step, in numerator layout"),
        *_output(p),
        *_second(p),
        *_first(p),
    )


def slope_of_loss(p: Problem) -> str:
    """dl/dy_hat as one row in LaTeX, with its factor.

    >>> from pure_mlp.theory.problem import problem
    >>> slope_of_loss(problem("relu", "identity", "squared_norm", 0))
    '2 (\\\\hat{\\\\mathbf{y}} - \\\\mathbf{y})^\\\\top'
    """
    equations = p.loss_equations
    if equations.vector:
        row = f"{equations.vector}^\\top" if equations.vector.endswith(")") else transposed(equations.vector)
        return times(factor(p), row)
    entries = " & ".join(equations.element_slope.replace("_k", f"_{k}").replace("frac", "dfrac") for k in range(1, N_OUT + 1))
    return times(factor(p), rf"\left[\begin{{matrix}}{entries}\end{{matrix}}\right]")


def cotangent(p: Problem, by: str, formula: str, value: Tensor, what: str = "") -> Block:
    """dl/d by as a formula and as numbers."""
    return checked(f"{partial(ELL, by)} = {formula} = {matrix(value)}", names(p), tag(p, what))


def of_output(p: Problem) -> tuple[Block, ...]:
    """dl/dz3: the chain rule, what it comes to, and the numbers.

    >>> from pure_mlp.theory.problem import problem
    >>> [block.tag for block in of_output(problem("sigmoid", "sigmoid", "bce", 0))]
    ['25', '26']
    """
    chain = f"{partial(ELL, Y_HAT)} {partial(Y_HAT, Z3)}"
    if (p.g, p.loss) in FUSED:
        short = times(factor(p), FUSED[p.g, p.loss])
        return (
            checked(f"{partial(ELL, Z3)} = {chain}", names(p), tag(p, "dz3")),
            cotangent(p, Z3, short, p.dz3, "fused"),
        )
    short = f"{chain} = {slope_of_loss(p)}" if p.g == "identity" else chain
    return (cotangent(p, Z3, short, p.dz3, "dz3"),)


def _output(p: Problem) -> Document:
    known = names(p)
    chain = f"{partial(ELL, Y_HAT)} {partial(Y_HAT, Z3)}"
    steps: tuple[Block, ...] = (checked(f"{partial(ELL, Z3)} = {chain}", known, tag(p, "chain")),)
    if not isinstance(p.g_equations, Softmax):
        product = rf"{partial(ELL, Y_HAT)} \odot g'({Z3})^\top"
        diagonal = f"{partial(ELL, Y_HAT)} {elements(p.g_equations, 'g', 'z_{3,%s}', '', N_OUT)}"
        steps = (
            checked(f"{partial(ELL, Z3)} = {product}", known, tag(p, "product")),
            *steps,
            checked(f"{partial(ELL, Z3)} = {diagonal}", known, tag(p, "diagonal")),
        )
    return (
        Paragraph("Start at the loss and go back, as [figure chain] does. The loss gives a row, the first cotangent:"),
        chain_figure(p),
        cotangent(p, Y_HAT, slope_of_loss(p), p.dy_hat, "dl"),
        Paragraph(
            r"Through $g$: an elementwise function has a diagonal Jacobian, so that multiplying by it is multiplying "
            r"element by "
            r"element; three ways to write one product are"
            if len(steps) > 1
            else r"Through $g$, whose Jacobian is a whole matrix, the cotangent is multiplied by it:"
        ),
        *steps,
        Paragraph("and what it comes to is"),
        *of_output(p),
    )


def _second(p: Problem) -> Document:
    known = names(p)
    element = partial(ELL, "W^{(2)}_{kj}")
    return (
        Paragraph(
            r"Through $\text{Linear}_2$, element by element, since the derivative of a vector by a matrix would be a tensor:"
        ),
        checked(
            r"z_{3,k} = \sum_{j=1}^{L_1} W^{(2)}_{kj} z_{2,j} + b^{(2)}_k, \quad "
            rf"{element} = {partial(ELL, 'z_{3,k}')} z_{{2,j}}",
            known,
            tag(p, "entry"),
            k=range(1, N_OUT + 1),
            j=range(1, HIDDEN + 1),
        ),
        Paragraph(
            r"Gathered, with $j$ in the rows and $k$ in the columns as numerator layout has it, and transposed to the shape of "
            r"$\mathbf{W}^{(2)}$:"
        ),
        checked(f"{partial(ELL, W2)} = {Z2} {partial(ELL, Z3)}", known, tag(p, "W2")),
        checked(
            f"{gradient(W2)} = {transposed(partial(ELL, W2))} = {transposed(partial(Y_HAT, Z3))} "
            f"{transposed(partial(ELL, Y_HAT))} {transposed(f'f({LINEAR1})')}",
            known,
            tag(p, "grad W2"),
        ),
        Paragraph(r"The bias is added, so that the derivative of $\mathbf{z}_3$ by it is the identity:"),
        checked(
            f"{partial(ELL, B2)} = {partial(ELL, Y_HAT)} {partial(Y_HAT, Z3)} {partial(Z3, B2)} = {partial(ELL, Z3)}",
            known,
            tag(p, "b2"),
        ),
        checked(f"{gradient(B2)} = {transposed(partial(Y_HAT, Z3))} {transposed(partial(ELL, Y_HAT))}", known, tag(p, "grad b2")),
        Paragraph("The input of the layer gets the cotangent"),
        cotangent(p, Z2, f"{partial(ELL, Z3)} {partial(Z3, Z2)} = {partial(ELL, Z3)} {W2}", p.dz2),
    )


def _first(p: Problem) -> Document:
    known = names(p)
    down = f"{partial(ELL, Y_HAT)} {partial(Y_HAT, Z3)} {W2} {partial(Z2, Z1)}"
    up = f"{transposed(partial(Z2, Z1))} {transposed(W2)} {transposed(partial(Y_HAT, Z3))} {transposed(partial(ELL, Y_HAT))}"
    return (
        Paragraph("Through $f$:"),
        cotangent(p, Z1, f"{partial(ELL, Z2)} {partial(Z2, Z1)}", p.dz1),
        Paragraph(r"Through $\text{Linear}_1$, as through $\text{Linear}_2$:"),
        checked(f"{partial(ELL, W1)} = {X} {partial(ELL, Z1)} = {X} {down}", known, tag(p, "W1")),
        checked(f"{gradient(W1)} = {up} {transposed(X)}", known, tag(p, "grad W1")),
        checked(f"{gradient(B1)} = {transposed(partial(ELL, Z1))} = {up}", known, tag(p, "grad b1")),
        Paragraph(
            rf"$\text{{Linear}}_1$ is the first layer, so that training stops here; a layer below would get "
            rf"the cotangent of $\mathbf{{x}}$, of ${N_IN}$ elements:"
        ),
        cotangent(p, X, f"{partial(ELL, Z1)} {W1}", p.dx),
        Note(Label.REMARK, "(10) and (15) stand beside nothing in the handout."),
    )
