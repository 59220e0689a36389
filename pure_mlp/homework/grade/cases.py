"""What every file is asked to compute: nine pairs of activations, several shapes, saturated nets, units exactly at the kink."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import torch
from torch import Generator, Tensor

NAMES = ("relu", "sigmoid", "identity")
PARAMETERS = ("W1", "b1", "W2", "b2")
SHAPES = ((3, 5, 2, 4), (4, 4, 4, 4), (5, 3, 1, 1), (24, 48, 6, 9))


class NetCase(NamedTuple):
    """A net (seed, activations, widths n, h, k), parameters to put in, new ones, and two batches with upstream gradients."""

    seed: int
    f: str
    g: str
    widths: tuple[int, int, int]
    tensors: dict[str, Tensor]


class LossCase(NamedTuple):
    """Labels and predictions of one shape; probabilities both, exact zeros and ones among them in the saturated cases."""

    y: Tensor
    y_hat: Tensor


def net_cases() -> list[NetCase]:
    """36 nets. Unit 0 of both layers has pre-activation exactly 0; the widest one is saturated, as its weights are standard normal.

    >>> len(net_cases())
    36
    """
    cases = []
    for seed, (f, g, (n, h, k, batch)) in enumerate(product(NAMES, NAMES, SHAPES)):
        generator = Generator().manual_seed(seed)

        def draw(*shape: int, generator: Generator = generator) -> Tensor:
            return torch.randn(*shape, generator=generator)

        tensors = {"W1": draw(h, n), "b1": draw(h), "W2": draw(k, h), "b2": draw(k)}
        for name in PARAMETERS:
            if k > 1:
                tensors[name][0] = 0.0
        tensors |= {"new W1": draw(h, n), "new b1": draw(h), "new W2": draw(k, h), "new b2": draw(k)}
        tensors |= {"x": draw(batch, n), "dJ": draw(batch, k), "x'": draw(batch, n), "dJ'": draw(batch, k)}
        cases.append(NetCase(seed, f, g, (n, h, k), tensors))
    return cases


def loss_cases() -> list[LossCase]:
    """Soft and hard labels, four shapes, then every pair of y and y_hat from {0, 0.3, 1}.

    >>> [tuple(case.y.shape) for case in loss_cases()]
    [(4, 3), (1, 1), (6, 1), (2, 5), (3, 3)]
    """
    generator = Generator().manual_seed(100)
    cases = []
    for shape in ((4, 3), (1, 1), (6, 1), (2, 5)):
        y, y_hat = torch.rand(2, *shape, generator=generator)
        y[0] = y[0].round()
        cases.append(LossCase(y, 0.02 + 0.96 * y_hat))
    edges = torch.tensor([0.0, 0.3, 1.0])
    return [*cases, LossCase(edges.repeat(3, 1).t().contiguous(), edges.repeat(3, 1))]
