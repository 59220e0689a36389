"""The skip connection."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

from pure_mlp.combinators.wrapper import Wrapper
from pure_mlp.layer import Layer, layer_name, tangent
from pure_mlp.shapes import check_cotangent, spec

__all__ = ["residual"]

P = TypeVar("P")
C = TypeVar("C")


def residual(f: Layer[P, C]) -> Layer[P, C]:
    """y = x + f(x); dx = dy + dx_f (He et al., arXiv:1512.03385). Params, cache and grads are those of f.

    Args:
        f: a layer whose output has the shape of its input.

    Returns:
        The layer; its part is f.

    Raises:
        ValueError: f changes the shape or dtype.

    >>> import torch
    >>> from pure_mlp import relu
    >>> residual(relu).fwd((), torch.tensor([-1.0, 2.0]))[0]
    tensor([-1.,  4.])
    """
    return Residual(f).layer()


class Residual(Wrapper[P, C, Tensor, Tensor]):
    """The part of `residual(f)`."""

    __slots__ = ()

    def fwd(self, params: P, x: Tensor) -> tuple[Tensor, C]:
        z, cache = self.f.fwd(params, x)
        if x.shape != z.shape or x.dtype != z.dtype:
            raise ValueError(f"the input {spec(x)} and the output of {layer_name(self.f)} {spec(z)} cannot be added")
        return x + z, cache

    def bwd(self, params: P, cache: C, dy: Tensor) -> tuple[Tensor, P]:
        caches = [cache]
        del cache
        dx, grads = self.f.bwd(params, caches.pop(), dy)
        check_cotangent(dx, dy)
        return dy + dx, grads

    def jvp(self, params: P, cache: C, dparams: P, dx: Tensor) -> Tensor:
        return dx + tangent(self.f)(params, cache, dparams, dx)
