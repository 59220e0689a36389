"""Gated linear units (Dauphin et al., arXiv:1612.08083) and their variants (Shazeer, arXiv:2002.05202)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer, tangent
from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.shapes import check_cotangent, check_tangent, spec

__all__ = ["glu"]

_Cache: TypeAlias = tuple[Tensor, Tensor, Tensor]
_Second: TypeAlias = Callable[[tuple[()], Tensor, Tensor, tuple[()], Tensor], tuple[Tensor, tuple[()]]]


def glu(gate: Activation = sigmoid) -> Layer[tuple[()], _Cache]:
    """y = a g(b), a and b the first and the second half of x along its last dimension, g the gate: x (*, 2n) -> y (*, n).

    da = dy g(b), db = g'(b) (dy a). The cache is (x itself, g(b), cache of the gate). With a linear layer to 2n below, which holds
    both V and W, this is GLU(x) = (x V) sigmoid(x W); `glu(silu)` is SwiGLU, `glu(gelu)` GEGLU, `glu(relu)` ReGLU and
    `glu(identity)` the bilinear unit. The half that is gated comes first, as in torch.

    Args:
        gate: an activation, element by element.

    Returns:
        The layer, which has no params.

    Raises:
        ValueError: the gate is no layer, the last dimension of x is odd, or dy has not the shape of y.

    >>> from pure_mlp import relu
    >>> glu(relu).fwd((), torch.tensor([[2.0, 3.0, 10.0, -1.0]]))[0]
    tensor([[20.,  0.]])
    """
    if not isinstance(gate, Layer):
        raise ValueError(f"glu: the gate is {spec(gate)}, expected an activation")
    second = None if gate.bwd_jvp is None else partial(_glu_bwd_jvp, gate, gate.bwd_jvp)
    return Layer(partial(_glu_fwd, gate), partial(_glu_bwd, gate), partial(_glu_jvp, gate), second)


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    n = x.shape[-1] // 2
    return x[..., :n], x[..., n:]


def _glu_fwd(gate: Activation, params: tuple[()], x: Tensor) -> tuple[Tensor, _Cache]:
    if x.dim() == 0 or x.shape[-1] % 2:
        raise ValueError(f"input {spec(x)}, expected an even last dimension: two halves")
    a, b = _halves(x)
    g, kept = gate.fwd((), b)
    return a * g, (x, g, kept)


def _glu_bwd(gate: Activation, params: tuple[()], cache: _Cache, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    x, g, kept = cache
    check_cotangent(g, dy)
    return torch.cat((dy * g, gate.bwd((), kept, dy * _halves(x)[0])[0]), -1), ()


def _glu_jvp(gate: Activation, params: tuple[()], cache: _Cache, dparams: tuple[()], dx: Tensor) -> Tensor:
    x, g, kept = cache
    check_tangent(x, dx)
    da, db = _halves(dx)
    return da * g + _halves(x)[0] * tangent(gate)((), kept, (), db)


def _glu_bwd_jvp(
    gate: Activation, second: _Second, params: tuple[()], cache: _Cache, dy: Tensor, dparams: tuple[()], dx: Tensor
) -> tuple[Tensor, tuple[()]]:
    """(dy dg, g' dy da + the gate's own `bwd_jvp` of dy a), dg = g' db."""
    x, _, kept = cache
    da, db = _halves(dx)
    bent = gate.bwd((), kept, dy * da)[0] + second((), kept, dy * _halves(x)[0], (), db)[0]
    return torch.cat((dy * tangent(gate)((), kept, (), db), bent), -1), ()
