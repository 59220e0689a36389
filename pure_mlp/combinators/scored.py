"""A loss as the last layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.shapes import check_tangent

__all__ = ["scored"]

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def scored(loss: Loss, y: Tensor) -> Layer[tuple[()], Tensor]:
    """J = loss(y, y_hat) as a layer of y_hat; its cache is its gradient, and dy_hat = dJ * cache for the cotangent dJ of J.

    Its `jvp` is that of a J which is one number: dJ = <cache, dy_hat>.

    Args:
        loss: `loss(y, y_hat) -> (J, dJ/dy_hat)`, label first.
        y: the labels.

    Returns:
        A layer from y_hat to J, primitive: a loss has no parts.

    >>> import torch
    >>> from pure_mlp import mse
    >>> layer = scored(mse, torch.tensor([1.0]))
    >>> J, cache = layer.fwd((), torch.tensor([3.0]))
    >>> J, layer.bwd((), cache, torch.tensor(1.0))[0]
    (tensor(4.), tensor([4.]))
    """
    return Layer(partial(_scored_fwd, loss, y), _scored_bwd, _scored_jvp)


def _scored_fwd(loss: Loss, y: Tensor, params: tuple[()], y_hat: Tensor) -> tuple[Tensor, Tensor]:
    return loss(y, y_hat)


def _scored_bwd(params: tuple[()], dy_hat: Tensor, dJ: Tensor) -> tuple[Tensor, tuple[()]]:
    return dJ * dy_hat, ()


def _scored_jvp(params: tuple[()], cache: Tensor, dparams: tuple[()], dy_hat: Tensor) -> Tensor:
    check_tangent(cache, dy_hat)
    return (cache * dy_hat).sum()
