"""Recomputation instead of memory (gradient checkpointing; Chen et al., arXiv:1604.06174)."""

from __future__ import annotations

from typing import TypeVar

from pure_mlp.combinators.wrapper import Wrapper
from pure_mlp.layer import Layer, tangent
from pure_mlp.record import tree_map

__all__ = ["remat"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


def remat(f: Layer[P, C, X, Y]) -> Layer[P, X, X, Y]:
    """The same function and the same gradients, to the bit; the cache is x itself, and `bwd` runs f forward once more.

    It does so on a view of x, by which a plan tells the second run from the first and does not keep the first one's results.

    Args:
        f: any layer, of which only the input is to be kept.

    Returns:
        The layer; its part is f, its params are those of f.

    >>> import torch
    >>> from pure_mlp import sigmoid
    >>> y, cache = remat(sigmoid).fwd((), torch.zeros(1))
    >>> cache, remat(sigmoid).bwd((), cache, torch.ones(1))[0]
    (tensor([0.]), tensor([0.2500]))
    """
    return Remat(f).layer()


class Remat(Wrapper[P, C, X, Y]):
    """The part of `remat(f)`."""

    __slots__ = ()

    def fwd(self, params: P, x: X) -> tuple[Y, X]:
        return self.f.fwd(params, x)[0], x

    def bwd(self, params: P, cache: X, dy: Y) -> tuple[X, P]:
        inner = [self.f.fwd(params, tree_map(lambda t: t.view_as(t), cache))[1]]
        return self.f.bwd(params, inner.pop(), dy)

    def jvp(self, params: P, cache: X, dparams: P, dx: X) -> Y:
        return tangent(self.f)(params, self.f.fwd(params, cache)[1], dparams, dx)
