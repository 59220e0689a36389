"""Handout 1.3: what changes in the equations of (b), (c) and (d) from net to net, in formulas and in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor

from pure_mlp.theory.derivation import FUSED, slope_of_loss
from pure_mlp.theory.document import Document, Heading, Paragraph, Table
from pure_mlp.theory.elements import entry
from pure_mlp.theory.forward_table import factor, loss_of
from pure_mlp.theory.names import SAMPLES, names
from pure_mlp.theory.notation import B1, B2, ELL, W1, W2, Y_HAT, Z1, Z2, Z3, gradient, matrix, number, partial
from pure_mlp.theory.problem import HIDDEN, N_OUT, Problem
from pure_mlp.theory.statements import checked
from pure_mlp.theory.symbolic_losses import times

Cases = dict[str, Problem]


def changes(cases: Cases) -> Document:
    """Two tables with a column a case, the second in numbers; every formula is computed and compared with the library.

    Args:
        cases: the problems by their names in the handout, the first one the one that the others are compared with.

    >>> from pure_mlp.theory.problem import problem
    >>> len(changes({"1.2": problem("relu", "identity", "squared_norm", 0)})[2].rows)
    7
    """
    rows: dict[str, Callable[[Problem], str]] = {
        "$f(z)$": lambda p: _function(p, "f"),
        "$g(z)$": lambda p: _function(p, "g"),
        f"${ELL}$": lambda p: _shown(p, ELL, loss_of(p)),
        f"${partial('z_{2,i}', 'z_{1,i}')}$": lambda p: _slope(p, "f"),
        rf"${partial(chr(92) + 'hat{y}_k', 'z_{3,k}')}$": lambda p: _slope(p, "g"),
        f"${partial(ELL, Y_HAT)}$": lambda p: _shown(p, partial(ELL, Y_HAT), slope_of_loss(p)),
        f"${partial(ELL, Z3)}$": _output,
    }
    return (
        Heading(2, "1.3 What changes from net to net"),
        Paragraph(
            "The table of (b) keeps its rows: only the names of $f$, $g$ and the loss change in it. The table of (c) "
            "does not change at "
            "all, since it is written in the three derivatives, and nor do (7) to (16). Those three derivatives, "
            "(d), change where $f$, "
            "$g$ or the loss does. What is the same as in the column to its left says so:"
        ),
        Table(("", *cases), tuple((name, *_marked(cell(p) for p in cases.values())) for name, cell in rows.items())),
        Paragraph(
            r"In numbers, for the same $\mathbf{x}$ and parameters; the labels are real numbers for regression and 0 or 1 for "
            "classes. Every cotangent is a row, written here with all its elements:"
        ),
        Table(("", *cases), tuple((f"${name}$", *cells) for name, cells in _numbers(cases).items())),
    )


def _marked(cells: Iterable[str]) -> tuple[str, ...]:
    cells = tuple(cells)
    return tuple("same" if cell == before else cell for before, cell in zip(("", *cells), cells))


def _numbers(cases: Cases) -> dict[str, tuple[str, ...]]:
    values: dict[str, Callable[[Problem], Tensor]] = {
        r"\mathbf{y}^\top": lambda p: p.y,
        rf"{Z1}^\top": lambda p: p.z1,
        rf"{Z2}^\top": lambda p: p.z2,
        rf"{Z3}^\top": lambda p: p.z3,
        rf"{Y_HAT}^\top": lambda p: p.y_hat,
        ELL: lambda p: p.J,
        partial(ELL, Y_HAT): lambda p: p.dy_hat,
        partial(ELL, Z3): lambda p: p.dz3,
        partial(ELL, Z2): lambda p: p.dz2,
        partial(ELL, Z1): lambda p: p.dz1,
        partial(ELL, r"\mathbf{x}"): lambda p: p.dx,
        gradient(W1): lambda p: p.grads[0].weight,
        gradient(B1) + r"^\top": lambda p: p.grads[0].bias.unsqueeze(0),
        gradient(W2): lambda p: p.grads[1].weight,
        gradient(B2) + r"^\top": lambda p: p.grads[1].bias.unsqueeze(0),
    }
    return {
        name: tuple(_shown(p, name, number(value(p).item()) if name == ELL else matrix(value(p))) for p in cases.values())
        for name, value in values.items()
    }


def _shown(p: Problem, name: str, formula: str) -> str:
    checked(f"{name} = {formula}", names(p))
    return f"${formula}$"


def _function(p: Problem, letter: str) -> str:
    equations = p.f_equations if letter == "f" else p.g_equations
    checked(f"{letter}(z) = {equations.value}", names(p), z=SAMPLES)
    return f"${equations.value}$"


def _slope(p: Problem, letter: str) -> str:
    equations, z, y, size = {
        "f": (p.f_equations, "z_{1,%s}", "z_{2,%s}", HIDDEN),
        "g": (p.g_equations, "z_{3,%s}", r"\hat{y}_%s", N_OUT),
    }[letter]
    index = "i" if letter == "f" else "k"
    short = equations.by_output.replace("y", y % index) or entry(equations, letter, z, y, index, index)
    indices = range(1, size + 1)
    checked(f"{partial(y % index, z % index)} = {short}", names(p), i=indices, k=indices)
    return f"${short}$"


def _output(p: Problem) -> str:
    short = times(factor(p), FUSED.get((p.g, p.loss)) or f"{partial(ELL, Y_HAT)} {partial(Y_HAT, Z3)}".strip())
    if (p.g, p.loss) not in FUSED:
        short = slope_of_loss(p) if p.g == "identity" else f"{partial(ELL, Y_HAT)} {partial(Y_HAT, Z3)}"
    return _shown(p, partial(ELL, Z3), short)
