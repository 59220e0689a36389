"""The exponential linear unit (Clevert, Unterthiner and Hochreiter, arXiv:1511.07289)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer
from pure_mlp.shapes import check_cotangent, check_number, check_tangent

__all__ = ["elu"]


def elu(alpha: float = 1.0) -> Activation:
    """y = x where x > 0, else a (exp(x) - 1); dx = dy where y > 0, else dy (y + a), with a = alpha > 0. The cache is y.

    At x = 0 the slope is a, as in torch, which is a kink unless a = 1. y is x at inf and -a at -inf, the slopes there are 1 and 0.

    Args:
        alpha: a, what -y comes near for small x; positive, so that the sign of x can be told from y.

    Returns:
        The layer, for x and dy of any shape.

    Raises:
        ValueError: alpha is not positive and finite, or dy has not the shape of y.

    >>> layer = elu()
    >>> y, cache = layer.fwd((), torch.tensor([-1.0, 2.0]))
    >>> y, layer.bwd((), cache, torch.ones(2))[0]
    (tensor([-0.6321,  2.0000]), tensor([0.3679, 1.0000]))
    """
    check_number("elu", "alpha", alpha, above=True)
    passes = partial(_elu_fwd, alpha), partial(_elu_bwd, alpha)
    return Layer(*passes, partial(_elu_jvp, alpha), partial(_elu_bwd_jvp, alpha))


def _elu_fwd(a: float, params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    y = torch.where(x > 0, x, a * torch.expm1(x))
    return y, y


def _elu_bwd(a: float, params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    check_cotangent(y, dy)
    return torch.where(y > 0, dy, dy * (y + a)), ()


def _elu_jvp(a: float, params: tuple[()], y: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    check_tangent(y, dx)
    return torch.where(y > 0, dx, dx * (y + a))


def _elu_bwd_jvp(a: float, params: tuple[()], y: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor) -> tuple[Tensor, tuple[()]]:
    """dy f'' dx, f'' = 0 where y > 0, else y + a."""
    return torch.where(y > 0, 0, dy * (y + a) * dx), ()
