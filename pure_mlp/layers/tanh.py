"""The hyperbolic tangent."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.kernels import tanh_backward
from pure_mlp.layer import Activation, Layer
from pure_mlp.shapes import check_cotangent, check_tangent

__all__ = ["tanh", "tanh_bwd", "tanh_fwd", "tanh_jvp"]


def tanh_fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    """y = tanh(x), x of any shape. The cache is y.

    >>> tanh_fwd((), torch.tensor([0.0, 1e3]))[0]
    tensor([0., 1.])
    """
    y = torch.tanh(x)
    return y, y


def tanh_bwd(params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    """dx = dy (1 - y^2). Raises `ValueError` unless dy has the shape of y.

    >>> tanh_bwd((), torch.tensor([0.5]), torch.tensor([4.0]))[0]
    tensor([3.])
    """
    check_cotangent(y, dy)
    return tanh_backward(dy, y), ()


def tanh_jvp(params: tuple[()], y: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    """dy = (1 - y^2) dx. Raises `ValueError` unless dx has the shape of x.

    >>> tanh_jvp((), torch.tensor([0.5]), (), torch.tensor([4.0]))
    tensor([3.])
    """
    check_tangent(y, dx)
    return (1 - y * y) * dx


def _tanh_bwd_jvp(params: tuple[()], y: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor) -> tuple[Tensor, tuple[()]]:
    """dy f'' dx, f'' = -2 y (1 - y^2)."""
    return -2 * dy * y * (1 - y * y) * dx, ()


tanh: Activation = Layer(tanh_fwd, tanh_bwd, tanh_jvp, _tanh_bwd_jvp)
