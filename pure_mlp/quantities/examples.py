"""The gradients of single examples, and their norms without forming them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.layers.linear import Linear
from pure_mlp.optim.widths import widened
from pure_mlp.quantities.per_layer import Quantity, over_examples
from pure_mlp.signatures import Loss
from pure_mlp.train.step import value_and_grad

__all__ = ["NORMS", "example_grads", "example_norms"]

P = TypeVar("P")
C = TypeVar("C")


def example_grads(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor], tuple[Tensor, P]]:
    """`(params, x, y) -> (J, grads)`, where every leaf of grads has the examples as its first dimension: sum_b g_b = dJ/dparams.

    g_b is what example b adds to the gradient: of a loss that is a mean, 1/B of the gradient of its own loss. An example is a row
    of x, along the first dimension, whatever other dimensions there are; layers must treat examples independently. Linear layers
    form dy_b^T x_b; others are run once more for every example.

    Args:
        net: any net of tensors.
        loss: `loss(y, y_hat) -> (J, dJ/dy_hat)`.

    Returns:
        The function, which raises what net and loss raise.

    >>> import torch
    >>> from pure_mlp import Linear, linear_bottom, squared_norm
    >>> params, x = Linear(torch.tensor([[1.0]]), torch.zeros(1)), torch.tensor([[1.0], [2.0]])
    >>> example_grads(linear_bottom, squared_norm)(params, x, torch.zeros(2, 1))[1].bias
    tensor([[2.],
            [4.]])
    """
    return partial(_quantity, GRADS, net, loss)


def example_norms(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor], tuple[Tensor, P]]:
    """`(params, x, y) -> (J, norms)`, where every leaf of norms is |g_b|^2 of that leaf, (B,); their sum is that of the whole g_b.

    g_b is that of `example_grads`, but is not formed (Goodfellow, arXiv:1510.01799): |dW_b|^2 = |dy_b|^2 |x_b|^2 for one row an
    example, and sum_ts (dy_t dy_s) (x_t x_s) for several rows t, s. Half precision is squared in float32.

    Args:
        net: any net of tensors.
        loss: `loss(y, y_hat) -> (J, dJ/dy_hat)`.

    Returns:
        The function, which raises what net and loss raise.

    >>> import torch
    >>> from pure_mlp import Linear, linear_bottom, squared_norm
    >>> params, x = Linear(torch.tensor([[1.0]]), torch.zeros(1)), torch.tensor([[1.0], [2.0]])
    >>> example_norms(linear_bottom, squared_norm)(params, x, torch.zeros(2, 1))[1]
    Linear(weight=tensor([ 4., 64.]), bias=tensor([ 4., 16.]))
    """
    return partial(_quantity, NORMS, net, loss)


def _quantity(rule: Quantity, net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor) -> tuple[Tensor, P]:
    return value_and_grad(over_examples(rule, net, params), loss)(params, x, y)


def _linear_grads(x: Tensor, dy: Tensor) -> Linear:
    weight = dy.mT * x if x.shape[1] == 1 else dy.mT @ x
    return Linear(weight, dy.sum(1))


def _linear_norms(x: Tensor, dy: Tensor) -> Linear:
    x, dy = widened([x, dy])
    pairs = dy @ dy.mT
    bias = pairs.flatten() if dy.shape[1] == 1 else dy.sum(1).square().sum(-1)
    return Linear((pairs * (x @ x.mT)).sum((1, 2)).clamp(min=0.0), bias)  # rounding may go below 0


def _as_it_is(leaf: Tensor) -> Tensor:
    return leaf


def _norm(leaf: Tensor) -> Tensor:
    return widened([leaf])[0].unsqueeze(-1).flatten(1).square().sum(1)


GRADS = Quantity(_linear_grads, _as_it_is)
NORMS = Quantity(_linear_norms, _norm)
