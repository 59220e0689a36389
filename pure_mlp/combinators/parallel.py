"""Two layers side by side, their outputs concatenated."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs
import torch
from torch import Tensor

from pure_mlp.combinators.fan_sum import check_pair
from pure_mlp.layer import Composed, Layer, layer_name, tangent
from pure_mlp.shapes import spec

__all__ = ["parallel"]

P = TypeVar("P")
Q = TypeVar("Q")
C = TypeVar("C")
D = TypeVar("D")


def parallel(f: Layer[P, C], g: Layer[Q, D]) -> Layer[tuple[P, Q], tuple[C, D, Tensor]]:
    """y = [f(x), g(x)], joined along the last dimension; dy is cut at the same place, and dx = dx_f + dx_g.

    Params and grads are pairs. The cache is that of f, that of g, and an empty tensor (0, m) whose width m tells where to cut.

    Args:
        f: the branch whose outputs come first.
        g: the branch whose outputs come last.

    Returns:
        The layer; its parts are f and g.

    Raises:
        ValueError: the outputs differ in more than the last dimension, or dy has another width than y.

    >>> import torch
    >>> from pure_mlp import identity, relu
    >>> parallel(identity, relu).fwd(((), ()), torch.tensor([[-1.0, 2.0]]))[0]
    tensor([[-1.,  2.,  0.,  2.]])
    """
    return Parallel(f, g).layer()


@attrs.frozen(eq=False)
class Parallel(Composed):
    """The parts of `parallel(f, g)`."""

    f: Layer[Any, Any]
    g: Layer[Any, Any]

    def parts(self) -> tuple[Layer[Any, Any], ...]:
        return self.f, self.g

    def rebuilt(self, *parts: Layer[Any, Any]) -> Layer[Any, Any]:
        return Parallel(*parts).layer()

    def fwd(self, params: tuple[Any, Any], x: Tensor) -> tuple[Tensor, tuple[Any, Any, Tensor]]:
        check_pair(params)
        y, c = self.f.fwd(params[0], x)
        z, d = self.g.fwd(params[1], x)
        if y.shape[:-1] != z.shape[:-1] or y.dtype != z.dtype:
            raise ValueError(f"the outputs of {layer_name(self.f)} {spec(y)} and {layer_name(self.g)} {spec(z)} cannot be joined")
        return torch.cat((y, z), -1), (c, d, y.new_empty(0, y.shape[-1]))

    def bwd(self, params: tuple[Any, Any], cache: tuple[Any, Any, Tensor], dy: Tensor) -> tuple[Tensor, tuple[Any, Any]]:
        *caches, mark = cache
        cut = mark.shape[-1]
        del cache
        dx_g, grads_g = self.g.bwd(params[1], caches.pop(), dy[..., cut:])
        dx_f, grads_f = self.f.bwd(params[0], caches.pop(), dy[..., :cut])
        return dx_f + dx_g, (grads_f, grads_g)

    def jvp(self, params: tuple[Any, Any], cache: tuple[Any, Any, Tensor], dparams: tuple[Any, Any], dx: Tensor) -> Tensor:
        dy = tangent(self.f)(params[0], cache[0], dparams[0], dx)
        return torch.cat((dy, tangent(self.g)(params[1], cache[1], dparams[1], dx)), -1)
