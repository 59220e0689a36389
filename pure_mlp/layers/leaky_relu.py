"""The leaky rectifier (Maas, Hannun and Ng, 2013)."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer, cotangent_of


def leaky_relu(negative_slope: float = 0.01) -> Activation:
    """y = x where x > 0, else a x; dx = dy where y > 0, else a dy, with a = negative_slope >= 0. The cache is y.

    At the kink x = 0 the slope is a, as in torch. x and dy of any shape. Raises `ValueError` for a negative slope, since the sign
    of x could no longer be told from y, and unless dy has the shape of y.

    >>> layer = leaky_relu(0.1)
    >>> y, cache = layer.fwd((), torch.tensor([-10.0, 2.0]))
    >>> y, layer.bwd((), cache, torch.ones(2))[0]
    (tensor([-1.,  2.]), tensor([0.1000, 1.0000]))
    """
    if not negative_slope >= 0:
        raise ValueError(f"leaky_relu: negative_slope {negative_slope}, expected >= 0")

    def fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.nn.functional.leaky_relu(x, negative_slope)
        return y, y

    def bwd(params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
        cotangent_of(y, dy)
        return torch.where(y > 0, dy, negative_slope * dy), ()

    return Layer(fwd, bwd)
