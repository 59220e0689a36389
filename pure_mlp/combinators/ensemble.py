"""Many copies of a layer with params of their own, computed as one."""

from __future__ import annotations

from typing import TypeVar

from torch.func import vmap

from pure_mlp.combinators.wrapper import Wrapper
from pure_mlp.layer import Layer, tangent

__all__ = ["ensemble"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


def ensemble(f: Layer[P, C, X, Y]) -> Layer[P, C, X, Y]:
    """y_m = f(params_m, x_m) for m = 1..M: every tensor of params, x, cache, dy and grads has one more, leading, dimension M.

    Stack the params by `tree_map(lambda *ps: torch.stack(ps), a, b)`. Vectorised by `torch.func.vmap`, so that M small matrix
    products become one batched product.

    Args:
        f: any layer.

    Returns:
        The layer; its part is f.

    Raises:
        ValueError: the leading dimensions differ.

    >>> import torch
    >>> from pure_mlp import linear, linear_init, tree_map
    >>> a, b = (linear_init(3, 2, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    >>> both = tree_map(lambda p, q: torch.stack((p, q)), a, b)
    >>> ensemble(linear).fwd(both, torch.ones(2, 5, 3))[0].shape
    torch.Size([2, 5, 2])
    """
    return Ensemble(f).layer()


class Ensemble(Wrapper[P, C, X, Y]):
    """The part of `ensemble(f)`."""

    __slots__ = ()

    def fwd(self, params: P, x: X) -> tuple[Y, C]:
        return vmap(self.f.fwd)(params, x)

    def bwd(self, params: P, cache: C, dy: Y) -> tuple[X, P]:
        return vmap(self.f.bwd)(params, cache, dy)

    def jvp(self, params: P, cache: C, dparams: P, dx: X) -> Y:
        return vmap(tangent(self.f))(params, cache, dparams, dx)
