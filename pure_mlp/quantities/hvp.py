"""Hessian-vector products by hand (Pearlmutter, 1994): a net made linear at a point, and its tangents."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import attrs
import torch
from torch import Tensor

from pure_mlp.layer import Layer, Rule, layer_name, over, tangent
from pure_mlp.layers.identity import straight
from pure_mlp.layers.linear import Linear, linear, linear_bottom_bwd, linear_bwd
from pure_mlp.losses.curvature import curvature
from pure_mlp.quantities.jvp import check_direction
from pure_mlp.quantities.per_layer import AnyLayer, refuse_ensembles
from pure_mlp.record import tree_map, tree_zeros
from pure_mlp.signatures import Loss

__all__ = ["hvp", "hvp_at"]

P = TypeVar("P")
C = TypeVar("C")


def hvp(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor, P], tuple[P, P]]:
    """`(params, x, y, v) -> (grads, H v)` with grads = dJ/dparams and H = d^2 J / dparams^2: exact, by no differences.

    One forward and one backward pass, and then those of the tangents: forward J v, backward how each cotangent moves. Sums and
    concatenations are linear, so that combinators need no rule. At a kink the second derivative is 0. For several v, and where the
    gradient is not wanted, see `hvp_at`.

    Args:
        net: a layer whose primitive parts all have `jvp` and `bwd_jvp`.
        loss: a loss that says its second derivatives (`curved`).

    Returns:
        The function; v, grads and H v are of the type of the params.

    Raises:
        ValueError: when called, if a layer or the loss lacks a derivative, if v does not fit, and for an `ensemble`: take `vmap` of
            the product.

    >>> from pure_mlp import Linear, linear, mse, serial
    >>> params = v = (Linear(torch.tensor([[2.0]]), torch.zeros(1)), Linear(torch.tensor([[1.0]]), torch.zeros(1)))
    >>> grads, product = hvp(serial(linear, linear), mse)(params, torch.ones(1, 1), torch.zeros(1, 1), v)
    >>> grads[0].weight, product[0].weight
    (tensor([[4.]]), tensor([[12.]]))
    """
    return partial(_hvp, net, loss)


def hvp_at(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor) -> Callable[[P], P]:
    """`v -> H v` as in `hvp`, at these params and this batch: what does not depend on v is computed once, and kept.

    A product is then one pass of tangents forward and one backward. The gradient is not formed. What is kept are the caches and
    cotangents of all layers, those under `remat` too.

    Args:
        net: a net as for `hvp`.
        loss: a loss as for `hvp`.
        params: where the Hessian is taken.
        x: the inputs of the batch.
        y: its labels.

    Returns:
        The product, linear and symmetric: what `top_eigenvalues` and `spectral_density` take.

    Raises:
        ValueError: as `hvp`.

    >>> from pure_mlp import Linear, linear, mse, serial
    >>> params = (Linear(torch.tensor([[2.0]]), torch.zeros(1)), Linear(torch.tensor([[1.0]]), torch.zeros(1)))
    >>> product = hvp_at(serial(linear, linear), mse, params, torch.ones(1, 1), torch.zeros(1, 1))
    >>> product(params)[0].weight, product(tree_map(lambda t: 2 * t, params))[0].weight
    (tensor([[12.]]), tensor([[24.]]))
    """
    return _at(_without_grads, net, loss, params, x, y)[1]


def _hvp(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor, v: P) -> tuple[P, P]:
    grads, product = _at(_with_grads, net, loss, params, x, y)
    return grads, product(v)


def _at(bwd: Callable[..., Any], net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor) -> tuple[P, Callable[[P], P]]:
    """What `bwd` of every layer gives for grads, and the product."""
    refuse_ensembles(net, "hvp: the members of an ensemble have a Hessian each: take vmap of the product over the members")
    met: list[AnyLayer] = []
    noting = over(cast(Rule, partial(_noting, bwd, met)), net)
    y_hat, cache = noting.fwd(params, x)
    grads = noting.bwd(params, cache, loss(y, y_hat)[1])[1]
    places = iter(met)
    tangents = over(cast(Rule, lambda _: next(places)), net)
    return grads, partial(_product, params, tangents, partial(curvature, loss, y, y_hat), tree_zeros(x))


def _product(params: P, tangents: AnyLayer, curved: Callable[[Tensor], Tensor], held: Tensor, v: P) -> P:
    check_direction(v, params)
    moved, cache = tangents.fwd(v, held)
    product: P = tangents.bwd(v, cache, curved(moved))[1]
    return product


def _noting(bwd: Callable[..., Any], met: list[AnyLayer], layer: AnyLayer) -> AnyLayer:
    """The layer that leaves the layer of its tangents at its place in `met` when it runs backward."""
    place = len(met)
    met.append(layer)

    def noted(params: Any, cache: Any, dy: Any) -> Any:
        if layer.bwd_jvp is None:
            cure = "give it one by attrs.evolve(layer, bwd_jvp=..)"
            raise ValueError(f"{layer_name(layer)} has no bwd_jvp, which is needed here: {cure}")
        met[place] = Layer(partial(_push, tangent(layer), params, cache), partial(_pull, layer, params, cache, dy))
        return bwd(layer, params, cache, dy)

    return attrs.evolve(layer, bwd=noted)


def _with_grads(layer: AnyLayer, params: Any, cache: Any, dy: Tensor) -> tuple[Any, Any]:
    return layer.bwd(params, cache, dy)


def _without_grads(layer: AnyLayer, params: Any, cache: Any, dy: Tensor) -> tuple[Any, Any]:
    if layer.bwd is linear_bottom_bwd:
        return dy, ()  # nothing below looks at it
    return (torch.matmul(dy, params.weight) if layer.bwd is linear_bwd else layer.bwd(params, cache, dy)[0]), ()


def _push(jvp: Callable[..., Any], params: Any, cache: Any, dparams: Any, dx: Tensor) -> tuple[Any, Tensor]:
    return jvp(params, cache, dparams, dx), dx


def _pull(layer: AnyLayer, params: Any, cache: Any, dy: Tensor, dparams: Any, dx: Tensor, ddy: Tensor) -> tuple[Any, Any]:
    """How (dx, grads) of the backward pass move: as `bwd` of ddy, by how dy moves, and as the pass itself bends."""
    if layer.bwd_jvp is linear.bwd_jvp and layer.bwd is linear_bwd:
        return _linear_pull(params, cache, dy, dparams, dx, ddy)
    moved, dgrads = layer.bwd(params, cache, ddy)
    if layer.bwd_jvp is straight or layer.bwd_jvp is None or layer.bwd is linear_bottom_bwd:  # nothing bends
        return moved, dgrads
    bent, more = layer.bwd_jvp(params, cache, dy, dparams, dx)
    return moved + bent, tree_map(torch.add, dgrads, more)


def _linear_pull(params: Linear, x: Tensor, dy: Tensor, dparams: Linear, dx: Tensor, ddy: Tensor) -> tuple[Tensor, Linear]:
    """ddy W + dy V, and ddy^T x + dy^T dx, one product added to the other as it is computed."""
    ddys, dys, xs, dxs = (t.reshape(-1, t.shape[-1]) for t in (ddy, dy, x, dx))
    moved = torch.addmm(torch.mm(dys, dparams.weight), ddys, params.weight)
    return moved.view(x.shape), Linear(torch.addmm(torch.mm(dys.t(), dxs), ddys.t(), xs), ddys.sum(0))
