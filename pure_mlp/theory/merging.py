"""Handout 1.4(c): two consecutive linear layers are one."""

from __future__ import annotations

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Generator, Tensor

from pure_mlp.combinators.merge import merge
from pure_mlp.combinators.serial import serial
from pure_mlp.layers.linear import Linear, linear
from pure_mlp.theory.document import Document, Heading, Label, Note, Paragraph, Table
from pure_mlp.theory.problem import matrix_of
from pure_mlp.theory.proof import column
from pure_mlp.theory.statements import checked


def merging(seed: int) -> Document:
    """The identity, proven by sympy, and the error of `merge` in numbers.

    >>> merging(0)[3].rows[0][1]
    '0'
    """
    generator = Generator().manual_seed(seed)
    whole = [torch.randint(-9, 10, shape, generator=generator).double() for shape in SHAPES]
    real = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in SHAPES]
    zero = "0" if not any(difference()) else "not 0"
    return (
        Heading(2, "1.4(c) Two consecutive linear layers"),
        Paragraph("No: without a nonlinearity between them they are one affine map, which `merge` computes."),
        checked(
            r"\mathbf{W}^{(2)} (\mathbf{W}^{(1)} \mathbf{x} + \mathbf{b}^{(1)}) + \mathbf{b}^{(2)} = \mathbf{W} "
            r"\mathbf{x} + \mathbf{b}, \quad "
            r"\mathbf{W} = \mathbf{W}^{(2)} \mathbf{W}^{(1)}, \quad \mathbf{b} = \mathbf{W}^{(2)} \mathbf{b}^{(1)} + "
            r"\mathbf{b}^{(2)}",
            merged_names(*real),
        ),
        Table(
            ("Params", "Largest difference"),
            (
                ("symbols, by sympy, $2 \\to 2 \\to 2$", zero),
                ("whole numbers, $5 \\to 4 \\to 3$, 100 examples", f"{merged_error(*whole):.0f}"),
                ("normal numbers in float64, the same", f"{merged_error(*real):.1e}"),
            ),
        ),
        Note(
            Label.REMARK,
            "The handout's answer holds. Merging is exact, not a loss to be feared; what remains in float64 is "
            "rounding. And two "
            "linear layers "
            "are not always useless: with a narrow middle they are a low-rank bottleneck, which has fewer parameters, and "
            "they train "
            "along another path.",
        ),
    )


SHAPES = ((4, 5), (4,), (3, 4), (3,), (100, 5))


def merged_error(w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, x: Tensor) -> float:
    """max |merged(x) - second(first(x))|.

    >>> merged_error(torch.ones(1, 1), torch.ones(1), torch.ones(1, 1), torch.ones(1), torch.ones(1, 1))
    0.0
    """
    first, second = Linear(w1, b1), Linear(w2, b2)
    both = serial(linear, linear).fwd((first, second), x)[0]
    return float((linear.fwd(merge(first, second), x)[0] - both).abs().max())


def merged_names(w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, x: Tensor) -> dict[str, object]:
    """What the letters of the identity stand for, W and b as `merge` computes them, x the first example.

    >>> merged_names(torch.ones(1, 1), torch.ones(1), torch.ones(1, 1), torch.ones(1), torch.ones(1, 1))["b"]
    Matrix([[2.0]])
    """
    both = merge(Linear(w1, b1), Linear(w2, b2))
    weights = {"W^(1)": w1, "W^(2)": w2, "W": both.weight, "x": x[:1].t()}
    biases = {"b^(1)": b1, "b^(2)": b2, "b": both.bias}
    columns = {**weights, **{name: bias.unsqueeze(1) for name, bias in biases.items()}}
    return {name: matrix_of(number) for name, number in columns.items()}


def difference() -> sp.Matrix:
    """W2 (W1 x + b1) + b2 - (W x + b) for symbols, simplified.

    >>> difference().T
    Matrix([[0, 0]])
    """
    w1, w2 = (sp.Matrix(2, 2, column(name, [None] * 4)) for name in ("u", "w"))
    b1, b2, x = (column(name, [None] * 2) for name in ("a", "b", "x"))
    return (w2 * (w1 * x + b1) + b2 - (w2 * w1 * x + (w2 * b1 + b2))).applyfunc(sp.expand)
