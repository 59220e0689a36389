"""The formula of each kernel in `pure_mlp.kernels`, in torch of any version: what the single file uses in its place."""

from __future__ import annotations

import torch
from torch import Tensor


def threshold_backward(dy: Tensor, y: Tensor) -> Tensor:
    """dy where y > 0 or y is NaN, else 0; whatever dy holds there, inf and NaN included.

    >>> threshold_backward(torch.tensor([5.0, float("inf")]), torch.tensor([1.0, 0.0]))
    tensor([5., 0.])
    """
    return dy.masked_fill(y <= 0, 0)


def sigmoid_backward(dy: Tensor, y: Tensor) -> Tensor:
    """dy (1 - y) y.

    >>> sigmoid_backward(torch.tensor(4.0), torch.tensor(0.5))
    tensor(1.)
    """
    return dy * (1 - y) * y


def tanh_backward(dy: Tensor, y: Tensor) -> Tensor:
    """dy (1 - y^2).

    >>> tanh_backward(torch.tensor(4.0), torch.tensor(0.5))
    tensor(3.)
    """
    return dy * (1 - y * y)


def squared_error(a: Tensor, b: Tensor) -> Tensor:
    """(a - b)^2, element by element.

    >>> squared_error(torch.zeros(2), torch.full((2,), 3.0))
    tensor([9., 9.])
    """
    return (a - b).pow(2)


def mse_backward(a: Tensor, b: Tensor) -> Tensor:
    """2 (a - b) / numel.

    >>> mse_backward(torch.zeros(2), torch.full((2,), 3.0))
    tensor([-3., -3.])
    """
    return (a - b) * (2 / max(a.numel(), 1))


def addmm_relu(bias: Tensor, x: Tensor, weight_t: Tensor) -> Tensor:
    """max(0, x weight_t + bias) for matrices.

    >>> addmm_relu(torch.tensor([-3.0, 1.0]), torch.ones(1, 1), torch.ones(1, 2))
    tensor([[0., 2.]])
    """
    return torch.relu(torch.addmm(bias, x, weight_t))
