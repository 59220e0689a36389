"""The inputs and cotangents of each linear layer when the roots of the loss's second derivatives go backward: K-FAC's data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import attrs
import torch
from torch import Tensor
from torch.func import vmap

from pure_mlp.layer import Layer, layer_name
from pure_mlp.layers.linear import linear_fwd
from pure_mlp.nodes import children, rebuilt
from pure_mlp.optim.widths import widened
from pure_mlp.quantities.per_layer import AnyLayer, by_formula, over_params
from pure_mlp.quantities.roots import loss_roots
from pure_mlp.record import record
from pure_mlp.shapes import spec
from pure_mlp.signatures import Loss

__all__ = ["Rows", "at", "kept_rows"]

P = TypeVar("P")
C = TypeVar("C")


@record
@attrs.frozen(eq=False)
class Rows:
    """x (K, B, T, in), the same for each of K roots, and dy (K, B, T, out), of B examples of T rows."""

    x: Tensor
    dy: Tensor

    def joined(self) -> tuple[Tensor, Tensor]:
        """(x, 1) (B, T, in + 1) and dy, half precision as float32. Raises `ValueError` for those of an ensemble."""
        if self.x.dim() != 4:
            raise ValueError("K-FAC: an ensemble is several linear layers in one: take vmap over its members")
        x, dy = widened([self.x[0], self.dy])
        return torch.cat((x, x.new_ones(*x.shape[:-1], 1)), -1), dy


def kept_rows(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor) -> Any:  # P with other records has no name
    """The tree of params with `Rows` in the place of each `Linear`, by one forward pass and one backward pass of K cotangents.

    Raises `ValueError` for a layer with params that is not linear, and where the loss says no second derivatives.

    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> params = Linear(torch.tensor([[2.0]]), torch.zeros(1))
    >>> kept_rows(linear_bottom, mse, params, torch.tensor([[3.0]]), torch.tensor([[1.0]])).dy
    tensor([[[[1.4142]]]])
    """
    keeping = over_params(_keeping, net, params)
    y_hat, cache = keeping.fwd(params, x)
    return vmap(keeping.bwd, in_dims=(None, None, 0))(params, cache, loss_roots(loss, y, y_hat))[1]


def _keeping(layer: AnyLayer, params: Any, /) -> AnyLayer:
    if layer.fwd is not linear_fwd:
        raise ValueError(f"K-FAC: {layer_name(layer)} has params and is not linear, there are no factors for it")
    return attrs.evolve(layer, bwd=partial(by_formula, Rows, layer))


def at(kind: type | tuple[type, ...], f: Callable[[Any, Any], object], tree: Any, other: Any) -> Any:
    """The tree with f(node, other node) in the place of every node of this kind. Raises `ValueError` where the trees part.

    >>> at(int, lambda a, b: a + b, (1, (2,)), (10, (20,)))
    (11, (22,))
    """
    if isinstance(tree, kind):
        return f(tree, other)
    mine, theirs = children(tree), children(other)
    if mine is None or theirs is None or len(mine) != len(theirs):
        found = " against ".join(f"{type(t).__name__} of {len(c)}" if c else spec(t) for t, c in ((tree, mine), (other, theirs)))
        raise ValueError(f"K-FAC: {found}, expected blocks and params of one net")
    return rebuilt(tree, [at(kind, f, a, b) for (_, a), (_, b) in zip(mine, theirs)])
