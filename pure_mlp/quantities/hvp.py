"""Hessian-vector products by hand (Pearlmutter, 1994): both passes on dual numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from pure_mlp.combinators.ensemble import Ensemble
from pure_mlp.layer import Layer, composition, layer_name, tangent
from pure_mlp.layers.linear import linear_bottom_bwd
from pure_mlp.losses.curvature import curvature
from pure_mlp.quantities.per_layer import AnyLayer
from pure_mlp.record import tree_map
from pure_mlp.signatures import Loss

__all__ = ["hvp"]

P = TypeVar("P")
C = TypeVar("C")


def hvp(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor, P], tuple[P, P]]:
    """`(params, x, y, v) -> (grads, H v)` with grads = dJ/dparams and H = d^2 J / dparams^2: exact, by no differences.

    Every layer runs on pairs of a value and its tangent, stacked along a new first dimension: forward (y, J v), backward the
    cotangent and how it moves. Sums and concatenations work on pairs as they are, so that combinators need no rule. At a kink the
    second derivative is 0.

    Args:
        net: a layer whose primitive parts all have `jvp` and `bwd_jvp`.
        loss: a loss that says its second derivatives (`curved`).

    Returns:
        The function; v, grads and H v are of the type of the params.

    Raises:
        ValueError: when called, if a layer or the loss lacks a derivative, or a layer is an `ensemble`: take `vmap` of the product.

    >>> from pure_mlp import Linear, linear, mse, serial
    >>> params = v = (Linear(torch.tensor([[2.0]]), torch.zeros(1)), Linear(torch.tensor([[1.0]]), torch.zeros(1)))
    >>> grads, product = hvp(serial(linear, linear), mse)(params, torch.ones(1, 1), torch.zeros(1, 1), v)
    >>> grads[0].weight, product[0].weight
    (tensor([[4.]]), tensor([[12.]]))
    """
    return partial(_hvp, net, loss)


def _hvp(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor, v: P) -> tuple[P, P]:
    dual = _dual(net)
    pairs = _paired(net, params, v)
    (y_hat, moved), cache = dual.fwd(pairs, torch.stack((x, torch.zeros_like(x))))
    dy_hat = loss(y, y_hat)[1]
    _, pairs = dual.bwd(pairs, cache, torch.stack((dy_hat, curvature(loss, y, y_hat, moved))))
    return _parted(net, pairs, 0), _parted(net, pairs, 1)


def _dual(net: AnyLayer) -> AnyLayer:
    """`over` the rule that makes of f the layer of pairs."""
    made = composition(net)
    if made is None:
        return Layer(partial(_dual_fwd, net), partial(_dual_bwd, net))
    if isinstance(made, Ensemble):
        raise ValueError("hvp: an ensemble stacks its members where pairs are stacked: take vmap of the product over the members")
    return made.rebuilt(*map(_dual, made.parts()))


def _dual_fwd(f: AnyLayer, pair: tuple[Any, Any] | tuple[()], x: Tensor) -> tuple[Tensor, tuple[Any, Tensor]]:
    params, dparams = pair or ((), ())
    y, cache = f.fwd(params, x[0])
    return torch.stack((y, tangent(f)(params, cache, dparams, x[1]))), (cache, x[1])


def _dual_bwd(
    f: AnyLayer, pair: tuple[Any, Any] | tuple[()], cache: tuple[Any, Tensor], dy: Tensor
) -> tuple[Tensor, tuple[Any, Any]]:
    params, dparams = pair or ((), ())
    kept, dx = cache
    if f.bwd_jvp is None:
        raise ValueError(f"{layer_name(f)} has no bwd_jvp, which is needed here: give it one by attrs.evolve(layer, bwd_jvp=..)")
    back, grads = f.bwd(params, kept, dy[0])
    moved, dgrads = f.bwd(params, kept, dy[1])
    if f.bwd is linear_bottom_bwd:  # x is held: no second derivatives, no zeros to add
        return torch.stack((back, moved)), (grads, dgrads)
    bent, more = f.bwd_jvp(params, kept, dy[0], dparams, dx)
    return torch.stack((back, moved + bent)), (grads, tree_map(torch.add, dgrads, more))


def _paired(net: AnyLayer, params: Any, v: Any) -> Any:
    """The params of the dual net: of each primitive layer its params and their tangents; () where it has none."""
    made = composition(net)
    if made is None:
        return (params, v) if params != () else ()
    return made.join(*[_paired(part, p, dp) for part, p, dp in zip(made.parts(), made.split(params), made.split(v))])


def _parted(net: AnyLayer, pairs: Any, place: int) -> Any:
    """One side of what the dual net has for grads."""
    made = composition(net)
    if made is None:
        return pairs[place] if pairs else ()
    return made.join(*[_parted(part, p, place) for part, p in zip(made.parts(), made.split(pairs))])
