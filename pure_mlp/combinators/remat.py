"""Recomputation instead of memory (gradient checkpointing; Chen et al., arXiv:1604.06174)."""

from __future__ import annotations

from typing import TypeVar

from pure_mlp.layer import Layer
from pure_mlp.record import tree_map

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


def remat(f: Layer[P, C, X, Y]) -> Layer[P, X, X, Y]:
    """The same function and the same gradients, to the bit; the cache is x itself, and `bwd` runs f forward once more.

    It does so on a view of x, by which a plan tells the second run from the first and does not keep the first one's results.

    >>> import torch
    >>> from pure_mlp import sigmoid
    >>> y, cache = remat(sigmoid).fwd((), torch.zeros(1))
    >>> cache, remat(sigmoid).bwd((), cache, torch.ones(1))[0]
    (tensor([0.]), tensor([0.2500]))
    """

    def fwd(params: P, x: X) -> tuple[Y, X]:
        return f.fwd(params, x)[0], x

    def bwd(params: P, x: X, dy: Y) -> tuple[X, P]:
        _, *cache = f.fwd(params, tree_map(lambda t: t.view_as(t), x))
        return f.bwd(params, cache.pop(), dy)

    return Layer(fwd, bwd)
