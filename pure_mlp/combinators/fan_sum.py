"""Two layers side by side, their outputs added."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs
from torch import Tensor

from pure_mlp.layer import Composed, Layer, layer_name, tangent
from pure_mlp.shapes import spec

__all__ = ["check_pair", "fan_sum"]

P = TypeVar("P")
Q = TypeVar("Q")
C = TypeVar("C")
D = TypeVar("D")


def fan_sum(f: Layer[P, C], g: Layer[Q, D]) -> Layer[tuple[P, Q], tuple[C, D]]:
    """y = f(x) + g(x); dx = dx_f + dx_g, where both branches get the same dy. Params, cache and grads are pairs.

    Args:
        f: the first branch.
        g: the second branch.

    Returns:
        The layer; its parts are f and g.

    Raises:
        ValueError: the branches' outputs differ in shape or dtype: the sum never broadcasts.

    >>> import torch
    >>> from pure_mlp import identity, relu
    >>> fan_sum(identity, relu).fwd(((), ()), torch.tensor([-1.0, 2.0]))[0]
    tensor([-1.,  4.])
    """
    return FanSum(f, g).layer()


@attrs.frozen(eq=False)
class FanSum(Composed):
    """The parts of `fan_sum(f, g)`."""

    f: Layer[Any, Any]
    g: Layer[Any, Any]

    @property
    def name(self) -> str:
        return "fan_sum"

    def parts(self) -> tuple[Layer[Any, Any], ...]:
        return self.f, self.g

    def rebuilt(self, *parts: Layer[Any, Any]) -> Layer[Any, Any]:
        return FanSum(*parts).layer()

    def fwd(self, params: tuple[Any, Any], x: Tensor) -> tuple[Tensor, tuple[Any, Any]]:
        check_pair(params)
        y, c = self.f.fwd(params[0], x)
        z, d = self.g.fwd(params[1], x)
        if y.shape != z.shape or y.dtype != z.dtype:
            raise ValueError(f"the outputs of {layer_name(self.f)} {spec(y)} and {layer_name(self.g)} {spec(z)} cannot be added")
        return y + z, (c, d)

    def bwd(self, params: tuple[Any, Any], cache: tuple[Any, Any], dy: Tensor) -> tuple[Tensor, tuple[Any, Any]]:
        caches = [*cache]
        del cache
        dx_g, grads_g = self.g.bwd(params[1], caches.pop(), dy)
        dx_f, grads_f = self.f.bwd(params[0], caches.pop(), dy)
        return dx_f + dx_g, (grads_f, grads_g)

    def jvp(self, params: tuple[Any, Any], cache: tuple[Any, Any], dparams: tuple[Any, Any], dx: Tensor) -> Tensor:
        dy = tangent(self.f)(params[0], cache[0], dparams[0], dx)
        return dy + tangent(self.g)(params[1], cache[1], dparams[1], dx)


def check_pair(params: object) -> None:
    """Raises `ValueError` unless these are the params of two layers.

    >>> check_pair(((), ()))
    """
    if not isinstance(params, (tuple, list)) or len(params) != 2:
        came = f"{len(params)} params" if isinstance(params, (tuple, list)) else f"params: {spec(params)}"
        raise ValueError(f"{came}, expected a pair, those of the two branches")
