"""The smooth rectifier (Dugas et al., 2001)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer
from pure_mlp.shapes import check_cotangent, check_number, check_tangent

__all__ = ["softplus"]


def softplus(beta: float = 1.0) -> Activation:
    """y = log(1 + exp(b x)) / b; dx = dy sigmoid(b x) = dy (1 - exp(-b y)), with b = beta > 0. The cache is y.

    Computed as max(x, 0) + log(1 + exp(-b |x|)) / b, where nothing overflows: y is x at inf and 0 at -inf, the slopes there are 1
    and 0. torch replaces y by x where b x > 20, an error of up to 2.1e-9 / b.

    Args:
        beta: how sharp the bend is, positive; in units of 1/x.

    Returns:
        The layer, for x and dy of any shape.

    Raises:
        ValueError: beta is not positive and finite, or dy has not the shape of y.

    >>> layer = softplus()
    >>> y, cache = layer.fwd((), torch.tensor([0.0, 1e3]))
    >>> y, layer.bwd((), cache, torch.ones(2))[0]
    (tensor([6.9315e-01, 1.0000e+03]), tensor([0.5000, 1.0000]))
    """
    check_number("softplus", "beta", beta, above=True)
    passes = partial(_softplus_fwd, beta), partial(_softplus_bwd, beta)
    return Layer(*passes, partial(_softplus_jvp, beta), partial(_softplus_bwd_jvp, beta))


def _softplus_fwd(beta: float, params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    y = torch.relu(x) + torch.log1p(torch.exp(-beta * x.abs())) / beta
    return y, y


def _softplus_bwd(beta: float, params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    check_cotangent(y, dy)
    return -dy * torch.expm1(-beta * y), ()


def _softplus_jvp(beta: float, params: tuple[()], y: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    check_tangent(y, dx)
    return dx * -torch.expm1(-beta * y)


def _softplus_bwd_jvp(
    beta: float, params: tuple[()], y: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor
) -> tuple[Tensor, tuple[()]]:
    """dy f'' dx, f'' = b s (1 - s), s = 1 - exp(-b y)."""
    return -beta * dy * torch.expm1(-beta * y) * torch.exp(-beta * y) * dx, ()
