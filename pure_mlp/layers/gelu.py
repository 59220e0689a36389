"""The Gaussian error linear unit (Hendrycks and Gimpel, arXiv:1606.08415), exact and by tanh."""

from __future__ import annotations

from math import pi, sqrt

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer
from pure_mlp.shapes import check_cotangent, check_tangent

__all__ = ["FAR", "gelu", "gelu_bwd", "gelu_fwd", "gelu_jvp", "gelu_tanh", "gelu_tanh_bwd", "gelu_tanh_fwd", "gelu_tanh_jvp"]

FAR = 40.0
"""Beyond it the slopes are 1 and 0 in every dtype, and what they are computed from would overflow."""


def gelu_fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    """y = x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2, x of any shape. The cache is x itself.

    Where 2 x overflows and at the infinities y is what the kernel of torch gives, inf or NaN.

    >>> gelu_fwd((), torch.tensor([0.0, 1.0]))[0]
    tensor([0.0000, 0.8413])
    """
    return torch.nn.functional.gelu(x), x


def gelu_bwd(params: tuple[()], x: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    """dx = dy (Phi(x) + x phi(x)), phi(x) = exp(-x^2 / 2) / sqrt(2 pi); dy at inf, 0 at -inf.

    Raises `ValueError` unless dy has the shape of x.

    >>> gelu_bwd((), torch.tensor([0.0]), torch.tensor([1.0]))[0]
    tensor([0.5000])
    """
    check_cotangent(x, dy)
    x = x.clamp(-FAR, FAR)
    cdf = 0.5 * torch.erfc(x * -sqrt(0.5))
    pdf = torch.exp(-0.5 * x * x) * (1 / sqrt(2 * pi))
    return dy * (cdf + x * pdf), ()


def gelu_tanh_fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    """y = x (1 + tanh u) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3), x of any shape; NaN at -inf, as in torch. The cache is x itself.

    >>> gelu_tanh_fwd((), torch.tensor([0.0, 1.0]))[0]
    tensor([0.0000, 0.8412])
    """
    return torch.nn.functional.gelu(x, approximate="tanh"), x


def gelu_tanh_bwd(params: tuple[()], x: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    """dx = dy ((1 + t) + x (1 - t^2) u') / 2, t = tanh u, u' = sqrt(2 / pi) (1 + 0.134145 x^2); dy at inf, 0 at -inf.

    Raises `ValueError` unless dy has the shape of x.

    >>> gelu_tanh_bwd((), torch.tensor([0.0]), torch.tensor([1.0]))[0]
    tensor([0.5000])
    """
    check_cotangent(x, dy)
    x = x.clamp(-FAR, FAR)
    square = x * x
    t = torch.tanh(sqrt(2 / pi) * x * (1 + 0.044715 * square))
    slope = sqrt(2 / pi) * (1 + 3 * 0.044715 * square)
    return 0.5 * dy * (1 + t + x * (1 - t * t) * slope), ()


def gelu_jvp(params: tuple[()], x: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    """dy = (Phi(x) + x phi(x)) dx, phi(x) = exp(-x^2 / 2) / sqrt(2 pi); dx at inf, 0 at -inf.

    Raises `ValueError` unless dx has the shape of x.

    >>> gelu_jvp((), torch.tensor([0.0]), (), torch.tensor([1.0]))
    tensor([0.5000])
    """
    check_tangent(x, dx)
    x = x.clamp(-FAR, FAR)
    pdf = torch.exp(-0.5 * x * x) * (1 / sqrt(2 * pi))
    return (0.5 * torch.erfc(x * -sqrt(0.5)) + x * pdf) * dx


def gelu_tanh_jvp(params: tuple[()], x: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    """dy = ((1 + t) + x (1 - t^2) u') dx / 2, with t and u' as in `gelu_tanh_bwd`; dx at inf, 0 at -inf.

    Raises `ValueError` unless dx has the shape of x.

    >>> gelu_tanh_jvp((), torch.tensor([0.0]), (), torch.tensor([1.0]))
    tensor([0.5000])
    """
    check_tangent(x, dx)
    x = x.clamp(-FAR, FAR)
    u = sqrt(2 / pi) * (x + 0.044715 * x * x * x)
    slope = sqrt(2 / pi) * (1 + 0.134145 * x * x)
    t = torch.tanh(u)
    return (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope) * dx


def _gelu_bwd_jvp(params: tuple[()], x: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor) -> tuple[Tensor, tuple[()]]:
    """dy f'' dx, f'' = phi(x) (2 - x^2)."""
    x = x.clamp(-FAR, FAR)
    return dy * torch.exp(-0.5 * x * x) * (1 / sqrt(2 * pi)) * (2 - x * x) * dx, ()


def _gelu_tanh_bwd_jvp(params: tuple[()], x: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor) -> tuple[Tensor, tuple[()]]:
    """dy f'' dx, f'' = (1 - t^2) (u' + x u'' / 2 - x t u'^2), with t and u' as in `gelu_tanh_bwd`."""
    x = x.clamp(-FAR, FAR)
    t = torch.tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x))
    slope, bend = sqrt(2 / pi) * (1 + 0.134145 * x * x), sqrt(2 / pi) * 0.26829 * x
    s = 1 - t * t  # first, since slope^2 overflows in float16
    return dy * (s * (slope + 0.5 * x * bend) - x * t * (s * slope) * slope) * dx, ()


gelu: Activation = Layer(gelu_fwd, gelu_bwd, gelu_jvp, _gelu_bwd_jvp)
gelu_tanh: Activation = Layer(gelu_tanh_fwd, gelu_tanh_bwd, gelu_tanh_jvp, _gelu_tanh_bwd_jvp)
