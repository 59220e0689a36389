"""Numerical derivatives, and how far a hand-written one is from them."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import torch
from torch import Generator, Tensor

__all__ = ["LIMIT", "Distance", "distance", "five_point", "pulled"]

LIMIT = 1e-7
"""The relative error above which a gradient counts as wrong."""


def five_point(f: Callable[[Tensor], Tensor], x: Tensor, places: Tensor, h: float = 1e-4) -> Tensor:
    """df/dx_i at the places i (m,) of the flattened x: (f(x-2h) - 8 f(x-h) + 8 f(x+h) - f(x+2h)) / 12h, the error is O(h^4).

    f maps a tensor of the shape of x to a number, all in float64. Returns (m,).

    >>> five_point(lambda x: (x**3).sum(), torch.tensor([2.0, 3.0], dtype=torch.float64), torch.tensor([0, 1]))
    tensor([12.0000, 27.0000], dtype=torch.float64)
    """
    slopes = []
    for i in places.tolist():
        moved = [x.clone() for _ in range(4)]
        for t, steps in zip(moved, (-2, -1, 1, 2)):
            t.view(-1)[i] += steps * h
        a, b, c, d = map(f, moved)
        slopes.append((a - 8 * b + 8 * c - d) / (12 * h))
    return torch.stack(slopes) if slopes else x.new_empty(0)


def pulled(f: Callable[[Tensor], Tensor], x: Tensor, dy: Tensor, h: float = 5e-4) -> Tensor:
    """(df/dx)^T dy, of the shape of x, by `five_point`: what `bwd` has to return.

    >>> pulled(lambda x: x**2, torch.tensor([2.0, 3.0], dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    tensor([4.0000, 6.0000], dtype=torch.float64)
    """
    at = x.contiguous()
    return five_point(lambda t: (f(t) * dy).sum(), at, torch.arange(x.numel()), h).reshape(x.shape)


@attrs.frozen
class Distance:
    """The error of a gradient: the largest |gradient - numerical| over the places, and that divided by the largest |numerical|.

    Where the numerical gradient is 0 everywhere, the relative error is the absolute one.
    """

    places: int
    absolute: float
    relative: float

    @property
    def right(self) -> bool:
        """Whether the relative error is a number not above `LIMIT`."""
        return self.relative <= LIMIT


def distance(f: Callable[[Tensor], Tensor], x: Tensor, gradient: Tensor, generator: Generator, most: int = 500) -> Distance:
    """The distance of `gradient` from df/dx, at all places of x or at `most` of them, drawn by the generator.

    x of any shape, float64. A gradient of another shape than x has an infinite error.

    >>> x = torch.tensor([2.0, 3.0], dtype=torch.float64)
    >>> distance(lambda x: (x**2).sum(), x, 2 * x, Generator()).right, distance(lambda x: (x**2).sum(), x, x, Generator()).right
    (True, False)
    """
    if gradient.shape != x.shape:
        return Distance(0, float("inf"), float("inf"))
    places = torch.randperm(x.numel(), generator=generator)[:most]
    numerical = five_point(f, x.contiguous(), places)
    if not len(places):
        return Distance(0, 0.0, 0.0)
    absolute = (gradient.reshape(-1)[places] - numerical).abs().max().item()
    scale = numerical.abs().max().item()
    return Distance(len(places), absolute, absolute / scale if scale > 1e-12 else absolute)
