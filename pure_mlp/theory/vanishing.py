"""Handout 1.3(c): how the gradient fades with depth, sigmoid against ReLU, measured."""

from __future__ import annotations

import torch
from torch import Generator

from pure_mlp.layer import Activation
from pure_mlp.layers.inits import Init, kaiming_normal, xavier_normal
from pure_mlp.layers.relu import relu
from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.losses.mse import mse
from pure_mlp.perceptron import mlp
from pure_mlp.theory.document import Curve, Document, Figure, Heading, Panel, Paragraph, Table
from pure_mlp.train.step import value_and_grad

DEPTHS = (1, 2, 4, 8, 12, 16, 24)
WIDTH, BATCH = 32, 64


def vanishing(seed: int) -> Document:
    """A table and a picture of the gradient of the first layer's weight over the number of hidden layers.

    >>> [type(block).__name__ for block in vanishing(0)]
    ['Heading', 'Paragraph', 'Table', 'Figure', 'Paragraph']
    """
    s = tuple(first_gradient(sigmoid, xavier_normal, depth, seed) for depth in DEPTHS)
    r = tuple(first_gradient(relu, kaiming_normal, depth, seed) for depth in DEPTHS)
    depths = tuple(map(float, DEPTHS))
    factor = (s[-1] / s[0]) ** (1 / (DEPTHS[-1] - DEPTHS[0]))
    return (
        Heading(2, "1.3(c) Vanishing gradients"),
        Paragraph(
            rf"The norm of $\partial J / \partial \mathbf{{W}}^{{(1)}}$, measured with the library: nets of width {WIDTH}, "
            rf"{BATCH} normal "
            "examples, MSE, each activation with the initialisation made for it (Xavier for sigmoid, Kaiming for ReLU)."
        ),
        Table(("Hidden layers", "sigmoid", "ReLU"), tuple((str(d), f"{a:.1e}", f"{b:.1e}") for d, a, b in zip(DEPTHS, s, r))),
        Figure(
            "vanishing",
            "Gradient norm of the first layer over depth.",
            (
                Panel(
                    "",
                    (Curve(depths, s, "s--", "sigmoid", 0.45), Curve(depths, r, "o-", "ReLU")),
                    "hidden layers",
                    "gradient norm, first layer",
                    log_y=True,
                ),
            ),
            1,
            2.6,
        ),
        Paragraph(
            rf"Each sigmoid multiplies the cotangent by $\sigma(z) (1 - \sigma(z)) \le 1/4$: the norm shrinks by a factor of "
            rf"about "
            f"{factor:.2f} a layer, and the first layers stop learning. ReLU's slope is 1 wherever the unit is active, so the "
            f"norm "
            "keeps its order of magnitude; and where it is inactive the activation is exactly 0, which makes the "
            "representation sparse."
        ),
    )


def first_gradient(f: Activation, init: Init, depth: int, seed: int) -> float:
    """|dJ/dW1| of a net with `depth` hidden layers of one width, at its initialisation.

    >>> first_gradient(sigmoid, xavier_normal, 16, 0) < 1e-6 < first_gradient(relu, kaiming_normal, 16, 0)
    True
    """
    generator = Generator().manual_seed(seed)
    net, params = mlp((WIDTH,) * (depth + 1) + (1,), generator, f, init=init, dtype=torch.float64)
    x, y = (torch.randn(BATCH, n, generator=generator, dtype=torch.float64) for n in (WIDTH, 1))
    _, grads = value_and_grad(net, mse)(params, x, y)
    return float(grads[0].weight.square().sum().sqrt())
