"""An affine map and its activation as one layer."""

from __future__ import annotations

from typing import Any

import attrs
import torch
from torch import Tensor

from pure_mlp.kernels import addmm_relu
from pure_mlp.layer import Activation, Composed, Layer, layer_name, tangent
from pure_mlp.layers.linear import Linear, fits, linear, linear_fwd, mismatch
from pure_mlp.layers.relu import relu_fwd

__all__ = ["dense"]


def dense(f: Activation, affine: Layer[Linear, Tensor] = linear) -> Layer[Linear, tuple[Tensor, Tensor]]:
    """y = f(x W^T + b): `serial(affine, f)`, to the bit, whose params and grads are the one record `Linear`.

    The cache is (x, cache of f). With relu the forward pass is one fused kernel for matrices, a dispatch and a buffer less.

    Args:
        f: an activation.
        affine: `linear`, or `linear_bottom` for the first layer of a net.

    Returns:
        The layer; its parts are `affine` and `f`.

    >>> from pure_mlp import relu
    >>> dense(relu).fwd(Linear(torch.tensor([[2.0], [-2.0]]), torch.zeros(2)), torch.ones(1, 1))[0]
    tensor([[2., 0.]])
    """
    fused = (getattr(f, "fwd", None), getattr(affine, "fwd", None)) == (relu_fwd, linear_fwd)
    kind = DenseReLU if fused else Dense
    layer: Layer[Linear, tuple[Tensor, Tensor]] = kind(affine, f).layer()
    return layer


@attrs.frozen(eq=False)
class Dense(Composed):
    """The parts of `dense(f, affine)`."""

    affine: Layer[Linear, Tensor]
    f: Activation

    @property
    def name(self) -> str:
        return f"dense_{layer_name(self.f)}"

    def parts(self) -> tuple[Layer[Any, Any], ...]:
        return self.affine, self.f

    def rebuilt(self, *parts: Layer[Any, Any]) -> Layer[Any, Any]:
        affine, f = parts
        return dense(f, affine)

    def split(self, params: Linear) -> tuple[Linear, tuple[()]]:
        return params, ()

    def join(self, *params: Any) -> Linear:
        own: Linear = params[0]
        return own

    def fwd(self, params: Linear, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        z, kept = self.affine.fwd(params, x)
        y, cache = self.f.fwd((), z)
        return y, (kept, cache)

    def bwd(self, params: Linear, cache: tuple[Tensor, Tensor], dy: Tensor) -> tuple[Tensor, Linear]:
        caches = [*cache]
        del cache
        dy, _ = self.f.bwd((), caches.pop(), dy)
        return self.affine.bwd(params, caches.pop(), dy)

    def jvp(self, params: Linear, cache: tuple[Tensor, Tensor], dparams: Linear, dx: Tensor) -> Tensor:
        return tangent(self.f)((), cache[1], (), tangent(self.affine)(params, cache[0], dparams, dx))


class DenseReLU(Dense):
    """The parts of `dense(relu, affine)` whose forward functions are those of `linear` and `relu`: matrices take one kernel."""

    __slots__ = ()

    def fwd(self, params: Linear, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        try:
            plain = x.dim() == 2 and params.bias.shape == params.weight.shape[:1]
            y = addmm_relu(params.bias, x, params.weight.t()) if plain else torch.relu(linear_fwd(params, x)[0])
        except (RuntimeError, TypeError, AttributeError) as error:
            if fits(params, x):
                raise
            raise ValueError(mismatch(params, x)) from error
        return y, (x, y)
