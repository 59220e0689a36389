"""The elements of an activation's Jacobian, in symbols."""

from __future__ import annotations

from pure_mlp.theory.notation import grid
from pure_mlp.theory.symbolic import Equations, Softmax


def entry(equations: Equations, letter: str, z: str, y: str, i: str, j: str) -> str:
    """Entry (i, j) for any i and j, in LaTeX.

    Args:
        equations: of the activation.
        letter: under which it stands, f or g.
        z: an element of its input, with %s for the index.
        y: an element of its output, with %s for the index.
        i: the row.
        j: the column.

    >>> from pure_mlp.theory.symbolic import activation
    >>> entry(activation("relu"), "f", "z_%s", "y_%s", "i", "j")
    "\\\\delta_{ij} f'(z_j)"
    """
    if isinstance(equations, Softmax):
        return rf"{y % i} (\delta_{{{i}{j}}} - {y % j})"
    return rf"\delta_{{{i}{j}}} {letter}'({z % j})"


def elements(equations: Equations, letter: str, z: str, y: str, size: int) -> str:
    """The whole Jacobian of `size` rows, by elements of the output where that is short; y is "" to write them as f'(z).

    >>> from pure_mlp.theory.symbolic import activation
    >>> elements(activation("identity"), "g", "z_{3,%s}", "y_%s", 2)
    '\\\\left[\\\\begin{matrix}1 & 0 \\\\\\\\ 0 & 1\\\\end{matrix}\\\\right]'
    """
    indices = range(1, size + 1)
    if isinstance(equations, Softmax):
        return grid([f"{y % i} (1 - {y % i})" if i == j else f"-{y % i} {y % j}" for j in indices] for i in indices)
    return grid([_diagonal(equations, letter, z % i, y and y % i) if i == j else "0" for j in indices] for i in indices)


def _diagonal(equations: Equations, letter: str, z: str, y: str) -> str:
    short = equations.by_output
    return short.replace("y", y) if short and (y or "y" not in short) else f"{letter}'({z})"
