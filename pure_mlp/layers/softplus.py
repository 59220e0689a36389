"""The smooth rectifier (Dugas et al., 2001)."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer, cotangent_of


def softplus(beta: float = 1.0) -> Activation:
    """y = log(1 + exp(b x)) / b; dx = dy sigmoid(b x) = dy (1 - exp(-b y)), with b = beta > 0. The cache is y.

    Computed as -log sigmoid(-b x) / b, exact for every x; torch replaces it by x where b x > 20, an error of up to 2.1e-9 / b.
    x and dy of any shape. Raises `ValueError` unless beta is positive and dy has the shape of y.

    >>> layer = softplus()
    >>> y, cache = layer.fwd((), torch.tensor([0.0, 1e3]))
    >>> y, layer.bwd((), cache, torch.ones(2))[0]
    (tensor([6.9315e-01, 1.0000e+03]), tensor([0.5000, 1.0000]))
    """
    if not beta > 0:
        raise ValueError(f"softplus: beta {beta}, expected > 0")

    def fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.nn.functional.logsigmoid(-beta * x) / -beta
        return y, y

    def bwd(params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
        cotangent_of(y, dy)
        return -dy * torch.expm1(-beta * y), ()

    return Layer(fwd, bwd)
