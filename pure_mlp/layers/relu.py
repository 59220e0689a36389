"""The rectifier."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.kernels import threshold_backward
from pure_mlp.layer import Activation, Layer
from pure_mlp.layers.identity import straight
from pure_mlp.shapes import check_cotangent, check_tangent

__all__ = ["relu", "relu_bwd", "relu_fwd", "relu_jvp"]


def relu_fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    """y = max(0, x), x of any shape. The cache is y: no mask and no pre-activation is kept.

    >>> relu_fwd((), torch.tensor([-1.0, 2.0]))[0]
    tensor([0., 2.])
    """
    y = torch.relu(x)
    return y, y


def relu_bwd(params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    """dx = dy where y > 0, else 0 (handout (17), where z2 > 0 says the same as z1 > 0).

    At the kink x = 0 the derivative is 0, as in torch. A masked unit passes 0 whatever dy is there, inf and NaN included;
    where x was NaN, dy passes. Raises `ValueError` unless dy has the shape of y.

    >>> relu_bwd((), torch.tensor([0.0, 2.0]), torch.tensor([5.0, 5.0]))[0]
    tensor([0., 5.])
    """
    check_cotangent(y, dy)
    return threshold_backward(dy, y), ()


def relu_jvp(params: tuple[()], y: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    """dy = dx where y > 0, else 0, also at the kink; where x was NaN, dx passes.

    Raises `ValueError` unless dx has the shape of x.

    >>> relu_jvp((), torch.tensor([0.0, 2.0]), (), torch.tensor([5.0, 5.0]))
    tensor([0., 5.])
    """
    check_tangent(y, dx)
    return threshold_backward(dx, y)


relu: Activation = Layer(relu_fwd, relu_bwd, relu_jvp, straight)
