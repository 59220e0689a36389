"""The logistic function."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.kernels import sigmoid_backward
from pure_mlp.layer import Activation, Layer
from pure_mlp.shapes import check_cotangent, check_tangent

__all__ = ["sigmoid", "sigmoid_bwd", "sigmoid_fwd", "sigmoid_jvp"]


def sigmoid_fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    """y = 1 / (1 + exp(-x)), handout 1.3, x of any shape; exactly 0 and 1 at saturation, never NaN. The cache is y.

    >>> sigmoid_fwd((), torch.tensor([0.0, 1e3, -1e3]))[0]
    tensor([0.5000, 1.0000, 0.0000])
    """
    y = torch.sigmoid(x)
    return y, y


def sigmoid_bwd(params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    """dx = dy (1 - y) y, handout (20), (21). Raises `ValueError` unless dy has the shape of y.

    Where y has saturated to 0 or 1 the derivative is 0: use `bce_with_logits` rather than `bce` on top.

    >>> sigmoid_bwd((), torch.tensor([0.5, 1.0]), torch.tensor([4.0, 4.0]))[0]
    tensor([1., 0.])
    """
    check_cotangent(y, dy)
    return sigmoid_backward(dy, y), ()


def sigmoid_jvp(params: tuple[()], y: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    """dy = y (1 - y) dx. Raises `ValueError` unless dx has the shape of x.

    >>> sigmoid_jvp((), torch.tensor([0.5, 1.0]), (), torch.tensor([4.0, 4.0]))
    tensor([1., 0.])
    """
    check_tangent(y, dx)
    return y * (1 - y) * dx


def _sigmoid_bwd_jvp(params: tuple[()], y: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor) -> tuple[Tensor, tuple[()]]:
    """dy f'' dx, f'' = y (1 - y) (1 - 2 y)."""
    return dy * y * (1 - y) * (1 - 2 * y) * dx, ()


sigmoid: Activation = Layer(sigmoid_fwd, sigmoid_bwd, sigmoid_jvp, _sigmoid_bwd_jvp)
