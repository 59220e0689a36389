"""Kronecker factors of the curvature (Martens and Grosse, 2015)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import attrs
from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.layers.linear import Linear
from pure_mlp.quantities.rows import Rows, at, kept_rows
from pure_mlp.record import record
from pure_mlp.signatures import Loss

__all__ = ["Kronecker", "kfac"]

P = TypeVar("P")
C = TypeVar("C")


@record
@attrs.frozen(eq=False)
class Kronecker:
    """The block G (x) A of a linear layer: A (in + 1, in + 1) of its inputs with a 1 behind, for the bias; G (out, out)."""

    A: Tensor
    G: Tensor


def kfac(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor], Any]:
    """`(params, x, y) -> blocks`: for each linear layer G (x) A in the place of its block of the Gauss-Newton matrix J^T H J.

    A = mean of a a^T with a = (x, 1), and G = sum of dy dy^T over rows and roots R of H = R R^T (arXiv:1503.05671). For a loss that
    is a negative log-likelihood this is the Fisher matrix, its expectation over labels exact and not sampled. For one example, and
    for one linear layer under a squared error, G (x) A is the block itself. It takes one forward pass, and one backward pass of K
    cotangents at once, K the numbers of one y_hat.

    Args:
        net: a net whose only layers with params are linear, and which treats rows independently.
        loss: a loss that says its second derivatives (`curved`), convex in y_hat.

    Returns:
        The function; its result is the tree of params with a `Kronecker` in the place of each `Linear`. It is a tree like any
        other: `tree_map` makes a running average of such.

    Raises:
        ValueError: when called, if another layer has params, or the loss no second derivatives.

    >>> import torch
    >>> from pure_mlp import linear_bottom, mse
    >>> params = Linear(torch.tensor([[2.0]]), torch.zeros(1))
    >>> kfac(linear_bottom, mse)(params, torch.tensor([[3.0]]), torch.tensor([[1.0]])).A
    tensor([[9., 3.],
            [3., 1.]])
    """
    return partial(_kfac, net, loss)


def _kfac(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor) -> Any:
    return at(Rows, _factors, kept_rows(net, loss, params, x, y), params)


def _factors(rows: Rows, params: Linear) -> Kronecker:
    x, dy = rows.joined()
    a, g = x.flatten(0, 1), dy.flatten(0, 2)
    return Kronecker(a.mT @ a / max(len(a), 1), g.mT @ g)
