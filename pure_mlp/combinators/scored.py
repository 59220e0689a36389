"""A loss as the last layer."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from pure_mlp.layer import Layer


def scored(loss: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], y: Tensor) -> Layer[tuple[()], Tensor]:
    """J = loss(y, y_hat) as a layer of y_hat; its cache is its gradient, and dy_hat = dJ * cache for the cotangent dJ of J.

    >>> import torch
    >>> from pure_mlp import mse
    >>> layer = scored(mse, torch.tensor([1.0]))
    >>> J, cache = layer.fwd((), torch.tensor([3.0]))
    >>> J, layer.bwd((), cache, torch.tensor(1.0))[0]
    (tensor(4.), tensor([4.]))
    """

    def fwd(params: tuple[()], y_hat: Tensor) -> tuple[Tensor, Tensor]:
        return loss(y, y_hat)

    def bwd(params: tuple[()], dy_hat: Tensor, dJ: Tensor) -> tuple[Tensor, tuple[()]]:
        return dJ * dy_hat, ()

    return Layer(fwd, bwd)
