"""An affine map and its activation as one layer."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from pure_mlp.kernels import addmm_relu
from pure_mlp.layer import Activation, Layer
from pure_mlp.layers.linear import Linear, linear, linear_fwd, mismatch
from pure_mlp.layers.relu import relu


def dense(f: Activation, affine: Layer[Linear, Tensor] = linear) -> Layer[Linear, tuple[Tensor, Tensor]]:
    """y = f(x W^T + b): `serial(affine, f)`, to the bit, whose params and grads are the one record `Linear`.

    The cache is (x, cache of f). With relu the forward pass is one fused kernel for matrices, a dispatch and a buffer less.
    `affine` is `linear`, or `linear_bottom` for the first layer of a net.

    >>> import torch
    >>> dense(relu).fwd(Linear(torch.tensor([[2.0], [-2.0]]), torch.zeros(2)), torch.ones(1, 1))[0]
    tensor([[2., 0.]])
    """

    def fwd(params: Linear, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        z, kept = affine.fwd(params, x)
        y, cache = f.fwd((), z)
        return y, (kept, cache)

    def bwd(params: Linear, cache: tuple[Tensor, Tensor], dy: Tensor) -> tuple[Tensor, Linear]:
        caches = [*cache]
        del cache
        dy, _ = f.bwd((), caches.pop(), dy)
        return affine.bwd(params, caches.pop(), dy)

    layer = Layer(fwd, bwd)
    return attrs.evolve(layer, fwd=dense_relu_fwd) if f is relu and affine.fwd is linear_fwd else layer


def dense_relu_fwd(params: Linear, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """y = max(0, x W^T + b) in one kernel where x is a matrix, x (batch, in) -> y (batch, out); the cache is (x, y).

    >>> import torch
    >>> dense_relu_fwd(Linear(torch.tensor([[2.0], [-2.0]]), torch.zeros(2)), torch.ones(1, 1))[0]
    tensor([[2., 0.]])
    """
    if x.dim() == 2:
        try:
            y = addmm_relu(params.bias, x, params.weight.t())
        except RuntimeError as error:
            raise ValueError(mismatch(params, x)) from error
    else:
        y = torch.relu(linear_fwd(params, x)[0])
    return y, (x, y)
