"""The soft argmax over the last dimension."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer
from pure_mlp.shapes import check_cotangent, check_tangent

__all__ = ["softmax", "softmax_bwd", "softmax_fwd", "softmax_jvp"]


def softmax_fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    """y_k = exp(x_k - m) / sum_j exp(x_j - m), m = max_j x_j, over the last dimension of x (*, K). The cache is y.

    The maximum is subtracted, so large logits do not overflow (handout 1.4(b)); -inf gives 0, and a row with inf, or of nothing but
    -inf, is NaN, as in torch. For classification train on the logits with
    `cross_entropy` instead of putting a loss on top of this layer.

    >>> softmax_fwd((), torch.tensor([1e4, 1e4]))[0]
    tensor([0.5000, 0.5000])
    """
    y = torch.softmax(x, -1)
    return y, y


def softmax_bwd(params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    """dx_k = y_k (dy_k - sum_j dy_j y_j). Raises `ValueError` unless dy has the shape of y.

    >>> softmax_bwd((), torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))[0]
    tensor([ 0.2500, -0.2500])
    """
    check_cotangent(y, dy)
    return y * (dy - (dy * y).sum(-1, keepdim=True)), ()


def softmax_jvp(params: tuple[()], y: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    """dy_k = y_k (dx_k - sum_j y_j dx_j). Raises `ValueError` unless dx has the shape of x.

    >>> softmax_jvp((), torch.tensor([0.5, 0.5]), (), torch.tensor([1.0, 0.0]))
    tensor([ 0.2500, -0.2500])
    """
    check_tangent(y, dx)
    moved = y * dx
    return moved - y * moved.sum(-1, keepdim=True)


def _softmax_bwd_jvp(params: tuple[()], y: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor) -> tuple[Tensor, tuple[()]]:
    """With m = y (dx - <y, dx>) the tangent of y: m (dy - <dy, y>) - y <dy, m>."""
    m = y * (dx - (y * dx).sum(-1, keepdim=True))
    return m * (dy - (dy * y).sum(-1, keepdim=True)) - y * (dy * m).sum(-1, keepdim=True), ()


softmax: Activation = Layer(softmax_fwd, softmax_bwd, softmax_jvp, _softmax_bwd_jvp)
