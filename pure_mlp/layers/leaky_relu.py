"""The leaky rectifier (Maas, Hannun and Ng, 2013)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer
from pure_mlp.layers.identity import straight
from pure_mlp.shapes import check_cotangent, check_number, check_tangent

__all__ = ["leaky_relu"]


def leaky_relu(negative_slope: float = 0.01) -> Activation:
    """y = x where x > 0, else a x; dx = dy where y > 0, else a dy, with a = negative_slope >= 0. The cache is y.

    At the kink x = 0 the slope is a, as in torch.

    Args:
        negative_slope: a, at least 0: the sign of x could not be told from y under a negative one.

    Returns:
        The layer, for x and dy of any shape.

    Raises:
        ValueError: a slope that is negative or not finite, or dy has not the shape of y.

    >>> layer = leaky_relu(0.1)
    >>> y, cache = layer.fwd((), torch.tensor([-10.0, 2.0]))
    >>> y, layer.bwd((), cache, torch.ones(2))[0]
    (tensor([-1.,  2.]), tensor([0.1000, 1.0000]))
    """
    check_number("leaky_relu", "negative_slope", negative_slope)
    passes = partial(_leaky_relu_fwd, negative_slope), partial(_leaky_relu_bwd, negative_slope)
    return Layer(*passes, partial(_leaky_relu_jvp, negative_slope), straight)


def _leaky_relu_fwd(a: float, params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    y = torch.nn.functional.leaky_relu(x, a)
    return y, y


def _leaky_relu_bwd(a: float, params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    check_cotangent(y, dy)
    return torch.where(y > 0, dy, a * dy), ()


def _leaky_relu_jvp(a: float, params: tuple[()], y: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    check_tangent(y, dx)
    return torch.where(y > 0, dx, a * dx)
