"""How much the gradients of single examples vary, and the batch size that this suggests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import nan
from typing import TypeVar

import torch
from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.layers.linear import Linear
from pure_mlp.losses.mass import mass
from pure_mlp.optim.widths import widened
from pure_mlp.quantities.per_layer import Quantity, over_examples, remembering
from pure_mlp.record import tree_leaves, tree_map
from pure_mlp.signatures import Loss

__all__ = ["gradient_variance", "noise_scale"]

P = TypeVar("P")
C = TypeVar("C")


def gradient_variance(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor], tuple[P, P]]:
    """`(params, x, y) -> (mean, variance)` of h_b, the gradient of the loss of example b alone, for every number of the params.

    mean = sum_b h_b / B and variance = (sum_b h_b^2 - B mean^2) / (B - 1), unbiased; NaN for a batch of one, and 0 where rounding
    would make it negative. Of half precision squares and variance are float32. One forward and two
    backward passes; for one row an example sum_b h_b^2 is a matrix product, (dy^2)^T x^2 (BackPACK, arXiv:1912.10985). The ratio
    mean^2 / variance is the signal-to-noise ratio.

    Args:
        net: any net of tensors, which treats examples (rows of x along the first dimension) independently.
        loss: a loss of one number, mean or sum.

    Returns:
        The function, which raises what net and loss raise.

    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> params, x = Linear(torch.tensor([[1.0]]), torch.zeros(1)), torch.tensor([[1.0], [2.0]])
    >>> mean, variance = gradient_variance(linear_bottom, mse)(params, x, torch.zeros(2, 1))
    >>> mean.bias, variance.bias
    (tensor([3.]), tensor([2.]))
    """
    return partial(_variance, net, loss)


def _variance(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor) -> tuple[P, P]:
    plain, count = over_examples(remembering, net, params), len(x)
    y_hat, cache = plain.fwd(params, x)
    dy_hat = loss(y, y_hat)[1] * mass(loss, y)[0]
    mean = tree_map(lambda g: g / max(count, 1), plain.bwd(params, cache, dy_hat)[1])
    _, squares = over_examples(SQUARES, net, params).bwd(params, cache, dy_hat)
    over = 1 / (count - 1) if count > 1 else nan
    return mean, tree_map(lambda s, m: ((s - count * m.to(s.dtype).square()) * over).clamp(min=0.0), squares, mean)


def noise_scale(mean: P, variance: P, batch: int) -> Tensor:
    """B = tr S / |G|^2, the batch size beyond which a larger one helps less and less (McCandlish et al., arXiv:1812.06162).

    tr S is the sum of the variances, and |G|^2 = |mean|^2 - tr S / batch, which is unbiased: it may come out negative where the
    batch is far too small to tell.

    Args:
        mean: that of `gradient_variance`.
        variance: that of `gradient_variance`.
        batch: the number of examples that they are of.

    Returns:
        B, 0-dim, in examples.

    >>> noise_scale((torch.tensor([3.0]),), (torch.tensor([2.0]),), 2)
    tensor(0.2500)
    """
    trace = torch.stack([v.sum() for v in tree_leaves(variance)]).sum()
    signal = torch.stack([m.square().sum() for m in tree_leaves(mean)]).sum()
    return trace / (signal - trace / batch)


def _linear_squares(x: Tensor, dy: Tensor) -> Linear:
    x, dy = widened([x, dy])
    bias = dy.sum(1).square().sum(0)
    if x.shape[1] == 1:
        return Linear(dy[:, 0].square().mT @ x[:, 0].square(), bias)
    return Linear((dy.mT @ x).square().sum(0), bias)


def _square(leaf: Tensor) -> Tensor:
    return widened([leaf])[0].square().sum(0)


SQUARES = Quantity(_linear_squares, _square)
