"""Batches whose size is random too, as the privacy of a training takes them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator

from pure_mlp.layers.inits import check_draw
from pure_mlp.signatures import Batch

__all__ = ["poisson_batches"]


def poisson_batches(data: Batch, sampling: float, steps: int, generator: Generator) -> Iterator[Batch]:
    """Batches in each of which every example is with one probability, whatever else is in it or was in others.

    This is what "privacy amplification by sampling" means: shuffled batches of one size (`batches`) do not have the epsilon that
    `epsilon_spent` says. Batches may be empty.

    Args:
        data: x and y, with the examples along the first dimension of both.
        sampling: the probability, from 0 to 1; its product with the number of examples is the `expected_batch` of `private_grads`.
        steps: how many batches.
        generator: what they are drawn from, as they are asked for.

    Returns:
        Pairs of rows of x and y, in their order.

    Raises:
        ValueError: sampling is out of range, x and y are of different lengths, or what is no generator.

    >>> x = torch.arange(6)
    >>> [rows.tolist() for rows, _ in poisson_batches((x, x), 0.3, 4, Generator().manual_seed(1))]
    [[0, 1, 2, 3, 5], [], [2, 3, 5], []]
    """
    x, y = data
    if not 0 <= sampling <= 1 or len(x) != len(y):
        raise ValueError(f"poisson_batches: sampling {sampling}, {len(x)} inputs, {len(y)} labels; expected 0 to 1, as many")
    check_draw("poisson_batches", generator, torch.float64)
    drawn = (torch.rand(len(x), dtype=torch.float64, generator=generator) < sampling for _ in range(steps))
    return ((x[rows], y[rows]) for rows in drawn)
