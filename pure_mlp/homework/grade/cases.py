"""What every file is asked to compute: nine pairs of activations, several shapes, saturated nets, units exactly at the kink."""

from __future__ import annotations

from functools import cache
from itertools import product

import attrs
import torch
from torch import Generator, Tensor

NAMES = ("sigmoid", "relu", "identity")
PARAMETERS = ("W1", "b1", "W2", "b2")
SHAPES = ((3, 5, 2, 4), (4, 4, 4, 4), (5, 3, 1, 1), (24, 48, 6, 9))


@attrs.frozen(eq=False)
class NetCase:
    """A net (seed, activations, widths n, h, k), parameters to put in, new ones, and two batches with upstream gradients."""

    seed: int
    f: str
    g: str
    widths: tuple[int, int, int]
    tensors: dict[str, Tensor]

    @property
    def label(self) -> str:
        """For a person."""
        n, h, k = self.widths
        return f"f {self.f}, g {self.g}, widths {n} {h} {k}"


@attrs.frozen(eq=False)
class LossCase:
    """Labels and predictions of one shape; probabilities both, exact zeros and ones among them in the saturated cases."""

    y: Tensor
    y_hat: Tensor

    @property
    def label(self) -> str:
        """For a person."""
        certain = bool(((self.y_hat == 0) | (self.y_hat == 1)).any())
        return "y_hat of exactly 0 or 1" if certain else f"shape {tuple(self.y.shape)}"


@cache
def net_cases() -> tuple[NetCase, ...]:
    """36 nets. Unit 1 of layer 1 and unit 0 of layer 2 have pre-activation exactly 0, where there are two.

    The widest net is saturated, as its weights are standard normal.

    >>> len(net_cases())
    36
    """
    cases = []
    for seed, (f, g, (n, h, k, batch)) in enumerate(product(NAMES, NAMES, SHAPES)):
        generator = Generator().manual_seed(seed)

        def draw(*shape: int, generator: Generator = generator) -> Tensor:
            return torch.randn(*shape, generator=generator)

        tensors = {"W1": draw(h, n), "b1": draw(h), "W2": draw(k, h), "b2": draw(k)}
        if k > 1:
            for name, unit in zip(PARAMETERS, (1, 1, 0, 0)):
                tensors[name][unit] = 0.0
        tensors |= {"new W1": draw(h, n), "new b1": draw(h), "new W2": draw(k, h), "new b2": draw(k)}
        tensors |= {"x": draw(batch, n), "dJ": draw(batch, k), "x'": draw(batch, n), "dJ'": draw(batch, k)}
        cases.append(NetCase(seed, f, g, (n, h, k), tensors))
    return tuple(cases)


@cache
def loss_cases() -> tuple[LossCase, ...]:
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
    return (*cases, LossCase(edges.repeat(3, 1).t().contiguous(), edges.repeat(3, 1)))
