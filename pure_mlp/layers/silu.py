"""The sigmoid linear unit, or swish (Elfwing et al., arXiv:1702.03118)."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer
from pure_mlp.shapes import check_cotangent, check_tangent

__all__ = ["FAR", "silu", "silu_bwd", "silu_fwd", "silu_jvp"]

FAR = 1000.0
"""Beyond it the slopes are 1 and 0 in every dtype; at the infinities they could not be computed."""


def silu_fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    """y = x sigmoid(x), x of any shape; NaN at -inf, as in torch. The cache is x itself.

    >>> silu_fwd((), torch.tensor([0.0, 1.0]))[0]
    tensor([0.0000, 0.7311])
    """
    return torch.nn.functional.silu(x), x


def silu_bwd(params: tuple[()], x: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    """dx = dy s (1 + x (1 - s)), s = sigmoid(x); dy at inf, 0 at -inf.

    Raises `ValueError` unless dy has the shape of x.

    >>> silu_bwd((), torch.tensor([0.0]), torch.tensor([1.0]))[0]
    tensor([0.5000])
    """
    check_cotangent(x, dy)
    x = x.clamp(-FAR, FAR)
    s = torch.sigmoid(x)
    return dy * s * (1 + x * (1 - s)), ()


def silu_jvp(params: tuple[()], x: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    """dy = (s + x s (1 - s)) dx, s = sigmoid(x); dx at inf, 0 at -inf.

    Raises `ValueError` unless dx has the shape of x.

    >>> silu_jvp((), torch.tensor([0.0]), (), torch.tensor([1.0]))
    tensor([0.5000])
    """
    check_tangent(x, dx)
    x = x.clamp(-FAR, FAR)
    s = torch.sigmoid(x)
    return (s + x * s * (1 - s)) * dx


def _silu_bwd_jvp(params: tuple[()], x: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor) -> tuple[Tensor, tuple[()]]:
    """dy f'' dx, f'' = s (1 - s) (2 + x (1 - 2 s)), s = sigmoid(x)."""
    x = x.clamp(-FAR, FAR)
    s = torch.sigmoid(x)
    return dy * s * (1 - s) * (2 + x * (1 - 2 * s)) * dx, ()


silu: Activation = Layer(silu_fwd, silu_bwd, silu_jvp, _silu_bwd_jvp)
