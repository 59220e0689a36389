"""The sigmoid linear unit, or swish (Elfwing et al., arXiv:1702.03118)."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer, cotangent_of


def silu_fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    """y = x sigmoid(x), x of any shape. The cache is x itself: y does not determine the slope.

    >>> silu_fwd((), torch.tensor([0.0, 1.0]))[0]
    tensor([0.0000, 0.7311])
    """
    return torch.nn.functional.silu(x), x


def silu_bwd(params: tuple[()], x: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    """dx = dy s (1 + x (1 - s)), s = sigmoid(x). Raises `ValueError` unless dy has the shape of x.

    >>> silu_bwd((), torch.tensor([0.0]), torch.tensor([1.0]))[0]
    tensor([0.5000])
    """
    cotangent_of(x, dy)
    s = torch.sigmoid(x)
    return dy * s * (1 + x * (1 - s)), ()


silu: Activation = Layer(silu_fwd, silu_bwd)
