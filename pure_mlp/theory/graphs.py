"""Handout 1.4(d): the activations and their derivatives, values and slopes from the library's own `fwd` and `bwd`."""

from __future__ import annotations

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Tensor

from pure_mlp.layer import Activation
from pure_mlp.registry.functions import ACTIVATIONS, ELEMENTWISE
from pure_mlp.theory.document import Curve, Document, Figure, Heading, Label, Note, Panel, Paragraph, Table
from pure_mlp.theory.jacobians import verified
from pure_mlp.theory.symbolic import activation

ASKED = {"relu": "ReLU", "leaky_relu": "LeakyReLU(0.01)", "softplus": "Softplus(1)", "gelu": "GELU"}
OTHERS = {name: name for name in ELEMENTWISE if name not in ASKED}
STEP, JUMP = 1e-6, 1e-3
MARKS = (-2.0, -1.0, 0.0, 1.0, 2.0)


def graphs() -> Document:
    """Two figures and a table of slopes, each compared with sympy's derivative.

    >>> [block.name for block in graphs() if isinstance(block, Figure)]
    ['asked', 'others']
    """
    rows = tuple(
        (
            f"`{name}`",
            *(f"{value:.4f}" for value in value_and_slope(ACTIVATIONS[name], torch.tensor(MARKS).double())[1]),
            error(name),
        )
        for name in (*ASKED, *OTHERS)
    )
    return (
        Heading(2, "1.4(d) The derivatives"),
        Paragraph(
            "[figure asked] shows the four functions of the question and their derivatives, [figure others] those of "
            "every other "
            "elementwise activation of the library. GELU is the exact one, with erf; `gelu_tanh` is its approximation."
        ),
        Note(Label.REMARK, "The four graphs are missing in the handout."),
        Table(("Slope at", *(f"{mark:g}" for mark in MARKS), "Difference"), rows),
        Paragraph(
            "Values and slopes come from `fwd` and `bwd` with a cotangent of ones; the difference is the largest one "
            "from sympy's "
            "derivative of the forward equation at the points $-1.9, -1.8, \\dots, 1.9$ without 0. The slopes of "
            "ReLU and LeakyReLU "
            "jump at 0. There the convention is torch's, the dot in [figure asked]: 0 for ReLU, 0.01 for LeakyReLU."
        ),
        Figure("asked", "Value and slope of the four functions of the question.", _panels(ASKED), 2, 1.6),
        Figure("others", "Value and slope of the other activations.", _panels(OTHERS), 3, 1.6),
    )


def value_and_slope(layer: Activation, z: Tensor) -> tuple[Tensor, Tensor]:
    """The layer's value and slope at every element of z.

    >>> value_and_slope(ACTIVATIONS["relu"], torch.tensor([-1.0, 2.0]))
    (tensor([0., 2.]), tensor([0., 1.]))
    """
    y, cache = layer.fwd((), z)
    return y, layer.bwd((), cache, torch.ones_like(y))[0]


def error(name: str) -> str:
    """The largest difference of the slope from sympy's. Raises `ArithmeticError` where it is not rounding.

    >>> error("relu")
    '0.0e+00'
    """
    z = torch.tensor([i / 10 for i in range(-19, 20) if i], dtype=torch.float64)
    symbol = sp.Symbol("z", real=True)
    slope = sp.lambdify(symbol, activation(name).fwd(sp.Matrix([symbol]))[0].diff(symbol), "math")
    return verified(
        value_and_slope(ACTIVATIONS[name], z)[1], torch.tensor([slope(point) for point in z.tolist()], dtype=torch.float64)
    )


def _panels(names: dict[str, str]) -> tuple[Panel, ...]:
    return tuple(Panel(title, _curves(ACTIVATIONS[name]), "$z$", "$f(z)$, $f'(z)$") for name, title in names.items())


def _curves(layer: Activation) -> tuple[Curve, ...]:
    left, right = torch.linspace(-4, -STEP, 200, dtype=torch.float64), torch.linspace(STEP, 4, 200, dtype=torch.float64)
    z = torch.cat((left, torch.zeros(1, dtype=torch.float64), right))
    value, slope = (curve.tolist() for curve in value_and_slope(layer, z))
    points, zero = z.tolist(), len(left)
    value_curve = Curve(tuple(points), tuple(value), "--", "value", 0.5)
    below, at, above = slope[zero - 1 : zero + 2]
    if abs(above - below) < JUMP:
        return value_curve, Curve(tuple(points), tuple(slope), "-", "slope")
    return (
        value_curve,
        Curve(tuple(points[:zero]), tuple(slope[:zero]), "-", "slope"),
        Curve(tuple(points[zero + 1 :]), tuple(slope[zero + 1 :]), "-"),
        Curve((0.0,), (above if abs(at - below) < JUMP else below,), "o", filled=False),
        Curve((0.0,), (at,), "o"),
    )
