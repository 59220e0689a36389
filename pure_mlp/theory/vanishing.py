"""Handout 1.3(c): how the gradient fades with depth, sigmoid against ReLU, measured over several seeds."""

from __future__ import annotations

from math import exp, log

import torch
from torch import Generator, Tensor

from pure_mlp.layer import Activation
from pure_mlp.layers.inits import Init, kaiming_normal, xavier_normal
from pure_mlp.layers.linear import linear
from pure_mlp.layers.relu import relu
from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.losses.mse import mse
from pure_mlp.theory.document import Curve, Document, Figure, Heading, Panel, Paragraph, Table

DEPTHS = (1, 2, 4, 8, 12, 16, 24)
WIDTH, BATCH, SEEDS = 32, 64, 20
KINDS = {"sigmoid": (sigmoid, xavier_normal), "ReLU": (relu, kaiming_normal)}


def vanishing(seed: int) -> Document:
    """What ReLU is good for; a table and a picture of the first layer's gradient over depth; what slope and weight contribute.

    >>> [type(block).__name__ for block in vanishing(0)]
    ['Heading', 'Paragraph', 'Paragraph', 'Table', 'Figure', 'Paragraph', 'Table', 'Paragraph']
    """
    seeds = range(seed, seed + SEEDS)
    norms = {name: [[measured(*kind, depth, i)[0] for i in seeds] for depth in DEPTHS] for name, kind in KINDS.items()}
    rows = tuple(
        (str(depth), *(f"{sum(s) / SEEDS:.1e} ({min(s):.0e} to {max(s):.0e})" for s in (norms[name][i] for name in KINDS)))
        for i, depth in enumerate(DEPTHS)
    )
    factors = {
        name: torch.tensor([measured(*kind, DEPTHS[-1], i)[1:] for i in seeds]).mean(0).tolist() for name, kind in KINDS.items()
    }
    curves = tuple(
        Curve(tuple(map(float, DEPTHS)), tuple(sum(norm) / SEEDS for norm in norms[name]), style, name, shade)
        for name, style, shade in (("sigmoid", "s--", 0.45), ("ReLU", "o-", 0.0))
    )
    return (
        Heading(2, "1.3(c) Why ReLU in the hidden layers"),
        Paragraph(
            r"On its way back the cotangent is multiplied by $f'(z)$ in every hidden layer. That of the sigmoid is "
            r"$f(z) (1 - f(z))$, at "
            r"most $\frac{1}{4}$, and nearly 0 where $z$ is far from 0; that of ReLU is 1 wherever the unit is "
            r"active, so that a deep "
            r"net still learns in its first layers. Where a unit is inactive its output is exactly 0, which makes "
            r"the representation "
            r"sparse, and costs that unit its gradient for that example."
        ),
        Paragraph(
            rf"Measured with the library: the norm of $\nabla_{{\mathbf{{W}}^{{(1)}}}}$ in nets of width {WIDTH}, "
            rf"{BATCH} normal examples, "
            "MSE, each activation with the initialisation made for it (Xavier for the sigmoid, Kaiming for ReLU). "
            "The mean over "
            f"{SEEDS} seeds, with the least and the largest; [figure vanishing] shows the means."
        ),
        Table(("Hidden layers", *KINDS), rows),
        Figure(
            "vanishing",
            f"Norm of the first layer's gradient over depth, the mean over {SEEDS} seeds.",
            (Panel("", curves, "hidden layers", "gradient norm, first layer", log_y=True),),
            1,
            2.6,
        ),
        Paragraph(
            f"What one layer multiplies the norm of the cotangent by, in nets of {DEPTHS[-1]} hidden layers, the "
            "geometric mean over "
            "layers:"
        ),
        Table(
            ("", r"$f'(\mathbf{z})$", r"$\mathbf{W}^\top$", "both"),
            tuple((name, *(f"{factor:.2f}" for factor in (*pair, pair[0] * pair[1]))) for name, pair in factors.items()),
        ),
        Paragraph(
            r"The weight is half of the matter. A square matrix of variance $v$ multiplies the norm by about "
            r"$\sqrt{n v}$: Xavier, with "
            r"$v = 1 / n$, by 1, so that the sigmoid's slope alone decides; Kaiming, with $v = 2 / n$, by "
            r"$\sqrt{2}$, which makes up for "
            r"the half of the units that ReLU switches off. With another $\mathbf{W}$ a ReLU net vanishes or "
            r"explodes too, and one seed "
            r"of a deep ReLU net may lie far from the mean."
        ),
    )


def measured(f: Activation, init: Init, depth: int, seed: int) -> tuple[float, float, float]:
    """|dJ/dW1| at the start of a net with `depth` hidden layers of one width, and by what f and W multiply the cotangent's norm.

    >>> sigmoids, relus = measured(sigmoid, xavier_normal, 16, 0), measured(relu, kaiming_normal, 16, 0)
    >>> sigmoids[0] < 1e-6 < relus[0]
    True
    """
    generator = Generator().manual_seed(seed)
    params = [init(WIDTH, WIDTH if i < depth else 1, generator, torch.float64) for i in range(depth + 1)]
    x, y = (torch.randn(BATCH, n, generator=generator, dtype=torch.float64) for n in (WIDTH, 1))
    caches = []
    for i, layer in enumerate(params):
        x, linear_cache = linear.fwd(layer, x)
        x, cache = f.fwd((), x) if i < depth else (x, x)
        caches.append((linear_cache, cache))
    d = mse(y, x)[1]
    d, grads = linear.bwd(params[-1], caches[-1][0], d)
    by_slope, by_weight = 0.0, 0.0
    for layer, (linear_cache, cache) in zip(params[-2::-1], caches[-2::-1]):
        dz, _ = f.bwd((), cache, d)
        dx, grads = linear.bwd(layer, linear_cache, dz)
        by_slope += log(norm(dz) / norm(d)) / depth
        by_weight += log(norm(dx) / norm(dz)) / depth
        d = dx
    return norm(grads.weight), exp(by_slope), exp(by_weight)


def norm(x: Tensor) -> float:
    """The root of the sum of squares.

    >>> norm(torch.tensor([[3.0, 4.0]]))
    5.0
    """
    return float(x.square().sum().sqrt())
