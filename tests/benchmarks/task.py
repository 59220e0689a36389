"""What is timed, and what a competitor is: nothing here knows torch, numpy or jax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

BATCHES = 8
"""How many different batches a step meets in turn."""


class Task(NamedTuple):
    """Batch size, widths from input to output, mse or bce (from logits), sgd or adam, the cores, the folder of the data."""

    batch: int
    sizes: tuple[int, ...]
    loss: str
    optimizer: str
    threads: int
    folder: str
    nets: int = 1
    """Nets of an ensemble, all of which start alike."""

    @property
    def lr(self) -> float:
        """The learning rate: small enough that rounding does not grow."""
        return 1e-2 if self.optimizer == "sgd" else 1e-4

    @property
    def k(self) -> int:
        """The steps of a call of those who take many: 100, fewer where 100 batches exceed 16 MiB, at least 3."""
        return max(3, min(100, 2**22 // (self.batch * (self.sizes[0] + self.sizes[-1]))))

    def shapes(self) -> list[tuple[int, ...]]:
        """Of the parameters: weight, bias, weight, .."""
        return [shape for n_in, n_out in pairwise(self.sizes) for shape in ((n_out, n_in), (n_out,))]

    def multiply_adds(self) -> int:
        """Of the step's matrix products; the input of the net gets no cotangent."""
        sizes = [a * b for a, b in pairwise(self.sizes)]
        return self.batch * (3 * sum(sizes) - sizes[0])

    def layout(self) -> list[tuple[int, ...]]:
        """Of everything in the file of the start: parameters, all inputs, all labels."""
        return self.shapes() + BATCHES * [(self.batch, self.sizes[0])] + BATCHES * [(self.batch, self.sizes[-1])]

    def file(self, name: str) -> str:
        """A file of float32 numbers and nothing else."""
        return str(Path(self.folder) / name)


class Peer(NamedTuple):
    """A competitor: what a call does, with which arguments in turn, the parameters now (None: it trains none), its steps a call."""

    step: Callable[[Any], object]
    batches: Sequence[Any]
    params: Callable[[], Sequence[Any]] | None
    steps: int = 1
