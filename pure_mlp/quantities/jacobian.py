"""The Jacobian of a small net, row by row."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.record import tree_leaves, tree_like

__all__ = ["jacobian"]

P = TypeVar("P")
C = TypeVar("C")


def jacobian(net: Layer[P, C], params: P, x: Tensor) -> P:
    """dy/dparams, formed: one forward pass, and a backward pass for every number of y, each of which is a row.

    It has as many numbers as y times those of the params; products with it need none of them (`jvp`, `ggn_product`, `ntk`).

    Args:
        net: any net of tensors.
        params: its params.
        x: an input.

    Returns:
        A tree of the type of params; a leaf of shape s has become (*y.shape, *s).

    Raises:
        ValueError: what the passes raise.

    >>> from pure_mlp import Linear, linear
    >>> jacobian(linear, Linear(torch.ones(1, 2), torch.zeros(1)), torch.tensor([[3.0, 4.0]])).weight
    tensor([[[[3., 4.]]]])
    """
    y, cache = net.fwd(params, x)
    rows = torch.eye(y.numel(), dtype=y.dtype, device=y.device).view(-1, *y.shape) if y.numel() else ()
    formed = [p.new_empty(y.numel(), *p.shape) for p in tree_leaves(params)]
    for i, row in enumerate(rows):
        for leaf, grad in zip(formed, tree_leaves(net.bwd(params, cache, row)[1])):
            leaf[i] = grad
    return tree_like(params, [leaf.view(*y.shape, *leaf.shape[1:]) for leaf in formed])
