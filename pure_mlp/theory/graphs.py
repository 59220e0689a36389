"""Handout 1.4(d): the activations and their derivatives, values and slopes from the library's own `fwd` and `bwd`."""

from __future__ import annotations

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Tensor

from pure_mlp.layer import Activation
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.theory.document import Curve, Document, Figure, Heading, Label, Note, Panel, Paragraph, Table
from pure_mlp.theory.problem import verified
from pure_mlp.theory.symbolic import activation

ASKED = {"relu": "ReLU", "leaky_relu": "LeakyReLU(0.01)", "softplus": "Softplus(1)", "gelu": "GELU"}
OTHERS = {name: name for name in ACTIVATIONS if name not in (*ASKED, "softmax")}
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
        Note(
            Label.REMARK,
            "The handout's four graphs are missing. Here they are, and those of every other elementwise activation "
            "of the "
            "library. GELU is the exact one, with erf; `gelu_tanh` is its approximation."
        ),
        Figure("asked", "Value and slope of the four functions of the question.", _panels(ASKED), 2, 2.0),
        Figure("others", "Value and slope of the other activations.", _panels(OTHERS), 3, 2.0),
        Table(("Slope at", *(f"{mark:g}" for mark in MARKS), "Error"), rows),
        Paragraph(
            "Values and slopes come from `fwd` and `bwd` with a cotangent of ones; the error is the largest difference from "
            "sympy's "
            "derivative of the forward equation at the points $-1.9, -1.8, \\dots, 1.9$ without 0. At the kink $z = 0$ the "
            "convention is torch's: the "
            "slope of ReLU is 0, that of LeakyReLU is 0.01."
        ),
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
    z = torch.linspace(-4, 4, 401, dtype=torch.float64)
    points = tuple(z.tolist())
    panels = []
    for name, title in names.items():
        value, slope = (tuple(curve.tolist()) for curve in value_and_slope(ACTIVATIONS[name], z))
        panels.append(Panel(title, (Curve(points, value, "--", "value", 0.5), Curve(points, slope, "-", "slope"))))
    return tuple(panels)
