"""What every file is asked to compute: nine pairs of activations, several shapes; kinks and certain labels apart."""

from __future__ import annotations

from functools import cache
from itertools import product

import attrs
import torch
from torch import Generator, Tensor

NAMES = ("sigmoid", "relu", "identity")
PARAMETERS = ("W1", "b1", "W2", "b2")
GRADS = tuple(f"dJd{name}" for name in PARAMETERS)
SHAPES = ((3, 5, 2, 4), (4, 4, 4, 4), (5, 3, 1, 1), (24, 48, 6, 9))
KINKS = (("relu", "relu"), ("relu", "sigmoid"), ("sigmoid", "relu"))

Given = tuple[int, str, str, tuple[int, int, int], dict[str, Tensor]]


@attrs.frozen(eq=False)
class NetCase:
    """A net (seed, activations, widths n, h, k), parameters to put in, new ones, and two batches with upstream gradients.

    `kink` says that two units have pre-activation exactly 0, which no random draw reaches.
    """

    seed: int
    f: str
    g: str
    widths: tuple[int, int, int]
    tensors: dict[str, Tensor]
    kink: bool = False

    @property
    def label(self) -> str:
        """For a person."""
        n, h, k = self.widths
        return f"f {self.f}, g {self.g}, widths {n} {h} {k}"

    @property
    def given(self) -> Given:
        """What the probe is told."""
        return self.seed, self.f, self.g, self.widths, self.tensors


@attrs.frozen(eq=False)
class LossCase:
    """Labels and predictions of one shape, probabilities both; `certain` if there are predictions of exactly 0 or 1."""

    y: Tensor
    y_hat: Tensor

    @property
    def certain(self) -> bool:
        """Whether a sigmoid in float32 has to be saturated for such a prediction."""
        return bool(((self.y_hat == 0) | (self.y_hat == 1)).any())

    @property
    def label(self) -> str:
        """For a person."""
        ends = " or ".join(str(end) for end in (0, 1) if bool((self.y_hat == end).any()))
        return f"y_hat of exactly {ends}" if ends else f"shape {tuple(self.y.shape)}"


@cache
def net_cases() -> tuple[NetCase, ...]:
    """36 nets, the widest saturated, as its weights are standard normal; then 3 where unit 1 of layer 1 and 0 of layer 2 are at 0.

    >>> len(net_cases()), sum(case.kink for case in net_cases())
    (39, 3)
    """
    asked = [(f, g, shape, False) for f, g, shape in product(NAMES, NAMES, SHAPES)] + [(f, g, SHAPES[1], True) for f, g in KINKS]
    return tuple(net_case(seed, *what) for seed, what in enumerate(asked))


def net_case(seed: int, f: str, g: str, shape: tuple[int, int, int, int], kink: bool) -> NetCase:
    """A case of (n, h, k, batch) drawn by this seed, with two units at 0 if `kink`.

    >>> net_case(0, "relu", "identity", (2, 2, 2, 3), kink=False).label
    'f relu, g identity, widths 2 2 2'
    """
    n, h, k, batch = shape
    generator = Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    tensors = {"W1": draw(h, n), "b1": draw(h), "W2": draw(k, h), "b2": draw(k)}
    if kink:
        for name, unit in zip(PARAMETERS, (1, 1, 0, 0)):
            tensors[name][unit] = 0.0
    tensors |= {"new W1": draw(h, n), "new b1": draw(h), "new W2": draw(k, h), "new b2": draw(k)}
    tensors |= {"x": draw(batch, n), "dJ": draw(batch, k), "x'": draw(batch, n), "dJ'": draw(batch, k)}
    if shape == SHAPES[-1]:
        tensors["x"][0] *= 30.0  # pre-activations beyond 89, whose exponential is inf in float32
    return NetCase(seed, f, g, (n, h, k), tensors, kink)


@cache
def loss_cases() -> tuple[LossCase, ...]:
    """Soft and hard labels, four shapes; then labels 0, 0.3, 1 against predictions of 0 and 0.3, of 0.3 and 1, and of all three.

    >>> [(tuple(case.y.shape), case.certain) for case in loss_cases()]
    [((4, 3), False), ((1, 1), False), ((6, 1), False), ((2, 5), False), ((3, 2), True), ((3, 2), True), ((3, 3), True)]
    """
    generator = Generator().manual_seed(100)
    cases = []
    for shape in ((4, 3), (1, 1), (6, 1), (2, 5)):
        y, y_hat = torch.rand(2, *shape, generator=generator)
        y[0] = y[0].round()
        cases.append(LossCase(y, 0.02 + 0.96 * y_hat))
    for ends in ([0.0, 0.3], [0.3, 1.0], [0.0, 0.3, 1.0]):
        labels = torch.tensor([[0.0], [0.3], [1.0]]).repeat(1, len(ends))
        cases.append(LossCase(labels, torch.tensor(ends).repeat(3, 1)))
    return tuple(cases)
