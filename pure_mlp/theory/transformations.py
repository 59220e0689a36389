"""Handout 1.4(e): what linear maps do to a grid of points, and what a nonlinearity adds."""

from __future__ import annotations

from math import cos, pi, sin

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Tensor

from pure_mlp.combinators.dense import dense
from pure_mlp.combinators.serial import serial
from pure_mlp.layers.linear import Linear, linear
from pure_mlp.layers.relu import relu
from pure_mlp.losses.mse import mse
from pure_mlp.theory.document import Curve, Document, Equation, Figure, Heading, Label, Note, Panel, Paragraph, Table
from pure_mlp.theory.notation import matrix
from pure_mlp.theory.problem import matrix_of
from pure_mlp.theory.statements import checked
from pure_mlp.train.step import value_and_grad

ANGLE = pi / 6
KINDS = {
    "rotation": ((cos(ANGLE), -sin(ANGLE)), (sin(ANGLE), cos(ANGLE))),
    "scaling": ((1.5, 0.0), (0.0, 0.5)),
    "reflection": ((-1.0, 0.0), (0.0, 1.0)),
    "shearing": ((1.0, 0.8), (0.0, 1.0)),
}
ANY = ((0.6, 1.1), (-0.9, 0.8))
XOR = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))


def transformations() -> Document:
    """The four kinds, a decomposition of any W with its error, and XOR by one hidden layer.

    >>> [block.name for block in transformations() if isinstance(block, Figure)]
    ['kinds', 'decomposition']
    """
    w = torch.tensor(ANY, dtype=torch.float64)
    after, scaling, before = rotation_scaling_rotation(w)
    error = float((after @ scaling @ before - w).abs().max())
    steps = {r"first rotation": before, "then scaling": scaling @ before, "second rotation: W": after @ scaling @ before}
    folded = Panel("ReLU after W", _grid(torch.relu(apply(w, points()))), "$y_1$", "$y_2$", equal=True)
    learnt, best = xor()
    outputs = tuple((f"({a:.0f}, {b:.0f})", f"{y:.0f}", f"{line:.2f}") for (a, b), y, line in zip(XOR, learnt, best))
    return (
        Heading(2, "1.4(e) Linear and nonlinear transformations"),
        Paragraph(
            "The four kinds are rotation, scaling, reflection and shearing. In [figure kinds] a grid of points goes "
            "through the library's "
            "`linear`; the heavy lines are the images of the two axes' positive halves, solid for the first."
        ),
        Figure(
            "kinds",
            "The four kinds of linear map, applied to one grid.",
            tuple(_panel(name, torch.tensor(rows)) for name, rows in KINDS.items()),
            4,
            1.9,
        ),
        Note(
            Label.REMARK,
            "The handout's zooming and flipping are called scaling and reflection. Its answers to (e) and (f) are "
            "lettered (d) and (e).",
        ),
        Paragraph(
            "Any square matrix is a rotation, a scaling along the axes and another rotation: that is the singular value "
            r"decomposition, $\mathbf{U}$ and $\mathbf{V}$ having determinant 1, where a negative factor of the "
            r"scaling stands for a "
            "reflection:"
        ),
        checked(
            rf"\mathbf{{W}} = \mathbf{{U}} \Sigma \mathbf{{V}}^\top = {matrix(after)} {matrix(scaling)} "
            rf"{matrix(before)} = {matrix(w)}",
            {"W": matrix_of(w), "U": matrix_of(after), "Σ": matrix_of(scaling), "V": matrix_of(before.t())},
        ),
        Paragraph(
            f"The largest difference of the two sides is {error:.1e}. [figure decomposition] shows the three steps, "
            "and beside them what "
            "ReLU does after them."
        ),
        Figure(
            "decomposition",
            "One W in its three steps, and the fold that ReLU adds: no linear map does that.",
            (*(_panel(name, step) for name, step in steps.items()), folded),
            4,
            1.9,
        ),
        Paragraph(
            "Linear maps change the representation: they turn, stretch, mirror and project it, but keep lines straight and "
            "parallel, and "
            "composed they remain one linear map. A nonlinearity between them bends the space, so that what no line separates "
            "becomes "
            "separable. XOR shows it: the best affine map answers 1/2 everywhere, one hidden layer of two ReLU units is exact,"
        ),
        _xor_formula(learnt),
        Table((r"$(x_1, x_2)$", "ReLU net", "best affine map"), outputs),
    )


def rotation_scaling_rotation(w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """U, S, V^T with w = U S V^T (n, n), U and V rotations (determinant 1), S diagonal, its last entry negative if w reflects.

    >>> U, S, V_T = rotation_scaling_rotation(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> torch.linalg.det(U).round(), S.diagonal().prod().round()
    (tensor(1.), tensor(-1.))
    """
    U, s, V_T = torch.linalg.svd(w)
    signs = [torch.where(torch.arange(len(s)) == len(s) - 1, torch.linalg.det(m).sign(), 1.0) for m in (U, V_T)]
    return U * signs[0], torch.diag(s * signs[0] * signs[1]), signs[1].unsqueeze(1) * V_T


def apply(w: Tensor, x: Tensor) -> Tensor:
    """W x for every point x (.., 2), by the library's `linear`.

    >>> apply(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([[1.0, 2.0]]))
    tensor([[2., 1.]])
    """
    return linear.fwd(Linear(w, w.new_zeros(len(w))), x)[0]


def points() -> Tensor:
    """Lines of a grid over [-1, 1]^2: (lines, points, 2), the first two being the positive halves of the axes.

    >>> points().shape
    torch.Size([12, 41, 2])
    """
    t = torch.linspace(-1, 1, 41, dtype=torch.float64)
    zero, half = torch.zeros_like(t), (t + 1) / 2
    lines = [
        torch.stack(pair, -1) for level in torch.linspace(-1, 1, 5).tolist() for pair in ((t, zero + level), (zero + level, t))
    ]
    return torch.stack([torch.stack((half, zero), -1), torch.stack((zero, half), -1), *lines])


def xor() -> tuple[list[float], list[float]]:
    """What the net of two ReLU units and the affine map of least squared error say of the four points.

    W = 0, b = 1/2 is that map, since there the gradient of the error, which is convex, is 0. Raises `ArithmeticError` if not.

    >>> xor()
    ([0.0, 1.0, 1.0, 0.0], [0.5, 0.5, 0.5, 0.5])
    """
    x = torch.tensor(XOR)
    hidden, top = Linear(torch.ones(2, 2), torch.tensor([0.0, -1.0])), Linear(torch.tensor([[1.0, -2.0]]), torch.zeros(1))
    learnt = serial(dense(relu), linear).fwd((hidden, top), x)[0]
    flat = Linear(torch.zeros(1, 2), torch.tensor([0.5]))
    _, grads = value_and_grad(linear, mse)(flat, x, learnt)
    if grads.weight.abs().max() or grads.bias.abs().max():
        raise ArithmeticError(f"the gradient of the constant map is {grads}, expected 0")
    return learnt.flatten().tolist(), linear.fwd(flat, x)[0].flatten().tolist()


def _xor_formula(learnt: list[float]) -> Equation:
    latex = r"\hat{y} = h_1 - 2 h_2, \quad h_1 = \max(0, x_1 + x_2), \quad h_2 = \max(0, x_1 + x_2 - 1)"
    for (a, b), y in zip(XOR, learnt):
        known = {"ŷ": sp.Float(y), "x": sp.Matrix([a, b]), "h": sp.Matrix([max(0.0, a + b), max(0.0, a + b - 1)])}
        checked(latex, known)
    return Equation(latex)


def _panel(title: str, w: Tensor) -> Panel:
    return Panel(title, _grid(apply(w.double(), points())), "$y_1$", "$y_2$", equal=True)


def _grid(lines: Tensor) -> tuple[Curve, ...]:
    first, second, *rest = ((tuple(line[:, 0].tolist()), tuple(line[:, 1].tolist())) for line in lines)
    return (*(Curve(x, y, "-", shade=0.65) for x, y in rest), Curve(*first, "-"), Curve(*second, "--"))
