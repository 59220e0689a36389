"""The diagonal of the generalised Gauss-Newton matrix."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.quantities.per_layer import over_examples
from pure_mlp.quantities.roots import loss_roots
from pure_mlp.quantities.variance import SQUARES
from pure_mlp.record import tree_map, tree_zeros
from pure_mlp.signatures import Loss

__all__ = ["ggn_diagonal"]

P = TypeVar("P")
C = TypeVar("C")


def ggn_diagonal(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor], P]:
    """`(params, x, y) -> diag(G)`, G = J^T H J as in `ggn_product`, exactly: sum_bk (J_b^T R_bk)^2 with H_b = sum_k R_bk R_bk^T.

    One forward pass and one backward pass for each of the K numbers of an example's y_hat; a linear layer squares by one product,
    (dy^2)^T x^2, and neither J nor the gradients of examples are formed (BackPACK's `DiagGGNExact`, arXiv:1912.10985).

    Args:
        net: any net of tensors, which treats examples (rows of x along the first dimension) independently.
        loss: a loss that says its second derivatives (`curved`), convex in y_hat.

    Returns:
        The function; its result is of the type of the params.

    Raises:
        ValueError: when called, if the loss has no second derivatives.

    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> params = Linear(torch.tensor([[2.0]]), torch.zeros(1))
    >>> ggn_diagonal(linear_bottom, mse)(params, torch.tensor([[3.0]]), torch.tensor([[1.0]])).weight
    tensor([[18.0000]])
    """
    return partial(_diagonal, net, loss)


def _diagonal(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor) -> P:
    squaring = over_examples(SQUARES, net, params)
    y_hat, cache = squaring.fwd(params, x)
    diagonal = tree_zeros(params)
    for root in loss_roots(loss, y, y_hat):
        diagonal = tree_map(torch.add, diagonal, squaring.bwd(params, cache, root)[1])
    return diagonal
