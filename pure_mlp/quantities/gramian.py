"""Inner products of the gradients of examples with each other, and the tangent kernel of a net."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from pure_mlp.layer import Layer, composition, layer_name
from pure_mlp.layers.linear import Linear
from pure_mlp.optim.widths import widened
from pure_mlp.quantities.per_layer import AnyLayer, Quantity, over_examples
from pure_mlp.record import tree_leaves
from pure_mlp.registry.layers import row_of
from pure_mlp.shapes import spec
from pure_mlp.signatures import Loss
from pure_mlp.train.step import value_and_grad

__all__ = ["gramian", "ntk"]

P = TypeVar("P")
C = TypeVar("C")


def gramian(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor], tuple[Tensor, P]]:
    """`(params, x, y) -> (J, K)`, where every leaf of K is (<g_b, g_c>)_bc of that leaf, (B, B); their sum is that of the whole.

    g_b is that of `example_grads`, but is not formed: for one row an example K = (dy dy^T) o (x x^T + 1), o element by element.
    Half precision is multiplied in float32.

    Args:
        net: any net of tensors, which treats examples (rows of x along the first dimension) independently.
        loss: `loss(y, y_hat) -> (J, dJ/dy_hat)`.

    Returns:
        The function, which raises what net and loss raise.

    >>> from pure_mlp import Linear, linear_bottom, squared_norm
    >>> params, x = Linear(torch.tensor([[1.0]]), torch.zeros(1)), torch.tensor([[1.0], [2.0]])
    >>> gramian(linear_bottom, squared_norm)(params, x, torch.zeros(2, 1))[1].bias
    tensor([[ 4.,  8.],
            [ 8., 16.]])
    """
    return partial(_gramian, net, loss)


def _gramian(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor) -> tuple[Tensor, P]:
    return value_and_grad(over_examples(GRAM, net, params), loss)(params, x, y)


def ntk(net: Layer[P, C]) -> Callable[[P, Tensor], Tensor]:
    """`(params, x) -> K` with K_bkcl = <dy_bk/dparams, dy_cl/dparams>: the empirical neural tangent kernel (arXiv:1806.07572).

    The Gramian of B K examples, each input once for every output; no Jacobian is formed.

    Args:
        net: any net of tensors, which treats examples independently.

    Returns:
        The function, from x (B, in) to (B, K, B, K).

    Raises:
        ValueError: when called, if the output is not (B, K), or a layer looks at the place of an example in the batch.

    >>> from pure_mlp import Linear, linear_bottom
    >>> ntk(linear_bottom)(Linear(torch.ones(1, 1), torch.ones(1)), torch.tensor([[1.0], [2.0]])).shape
    torch.Size([2, 1, 2, 1])
    """
    return partial(_ntk, net)


def _ntk(net: Layer[P, C], params: P, x: Tensor) -> Tensor:
    _refuse_places(net)
    rule = over_examples(GRAM, net, params)
    y, _ = net.fwd(params, x[:1])
    if y.dim() != 2:
        raise ValueError(f"ntk: an output {spec(y)} for one input, expected (1, K)")
    n, k = len(x), y.shape[-1]
    each = torch.eye(k, dtype=y.dtype, device=y.device).repeat(n, 1)
    many = x.unsqueeze(1).expand(n, k, *x.shape[1:]).flatten(0, 1)
    _, kernels = rule.bwd(params, rule.fwd(params, many)[1], each)
    return torch.stack(tree_leaves(kernels)).sum(0).view(n, k, n, k)


def _refuse_places(net: AnyLayer) -> None:
    """Each input comes several times here: a mask, or the mean of a batch, would be another one for each."""
    made, row = composition(net), row_of(net)
    if made is None and row and not row.independent:
        raise ValueError(f"ntk: under {layer_name(net)} an output depends on its place in the batch: take evaluated(net)")
    for part in made.parts() if made else ():
        _refuse_places(part)


def _linear_gram(x: Tensor, dy: Tensor) -> Linear:
    x, dy = widened([x, dy])
    (n, t), bias = x.shape[:2], dy.sum(1)
    xs, dys = x.flatten(0, 1), dy.flatten(0, 1)
    return Linear(((dys @ dys.mT) * (xs @ xs.mT)).view(n, t, n, t).sum((1, 3)), bias @ bias.mT)


def _gram(leaf: Tensor) -> Tensor:
    flat = widened([leaf])[0].unsqueeze(-1).flatten(1)
    return flat @ flat.mT


GRAM = Quantity(_linear_gram, _gram)
