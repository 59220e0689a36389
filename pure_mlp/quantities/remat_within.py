"""The cheapest recomputation of a chain that fits a number of bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, cast

import attrs

from pure_mlp.combinators.regrouped import Groups, Regrouped
from pure_mlp.combinators.remat import Remat, remat
from pure_mlp.combinators.serial import Serial, serial
from pure_mlp.layer import Layer, Rule, composition, layer_name, over
from pure_mlp.quantities.schedules import Held, Link, Schedule, schedules
from pure_mlp.record import tree_leaves, tree_map

__all__ = ["remat_within"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


def remat_within(
    net: Layer[P, C, X, Y], params: P, x: X, nbytes: int, costs: Sequence[float] | None = None
) -> Layer[P, object, X, Y]:
    """The same function of the same params, to the bit, whose caches never hold more than `nbytes` bytes.

    Some layers of the chain become segments under `remat`, and segments within segments. Of all nets that can be made so, this one
    has the least cost of forward passes that are run again; among those the fewest layers. What is counted is what caches hold at
    one moment of the two passes, those that are computed again too, each storage once, and x itself, which is the caller's. Not
    counted are params and gradients, the value or cotangent on its way from one layer to the next, and what a layer makes and drops
    inside. It holds where caches are given away, as by `value_and_grad` and `training_step`, from Python 3.11 on; a plan
    places its values by itself.

    Args:
        net: layers in a `serial`, without `remat` in them. A layer of layers is run as one.
        params: its params, on any device, `meta` too.
        x: an input, of which only shape and dtype matter.
        nbytes: what caches may hold.
        costs: what the forward pass of each layer costs, as seconds that were measured; None: FLOPs of matrix products.

    Returns:
        The net; `net` itself where all of its caches fit.

    Raises:
        ValueError: so few bytes that there is no such net, with the least that one needs; another kind of net; shapes do not fit.

    >>> import torch
    >>> from pure_mlp import mlp
    >>> net, params = mlp((4,) * 5, torch.Generator())
    >>> print(remat_within(net, params, torch.ones(8, 4), 600))
    regrouped
      serial
        dense_relu
          linear
          relu
        remat
          serial
            dense_relu
              linear
              relu
            dense_relu
              linear
              relu
        dense_identity
          linear
          identity
    """
    made = composition(net)
    if not isinstance(made, Serial):
        raise ValueError(f"remat_within: expected layers in a serial, found {layer_name(net)}")
    for i, layer in enumerate(made.layers):
        if _recomputes(layer):
            raise ValueError(f"remat_within: layer {i} ({layer_name(layer)}) has a remat in it already")
    if costs is not None and len(costs) != len(made.layers):
        raise ValueError(f"remat_within: {len(costs)} costs of {len(made.layers)} layers")
    chain = _chain(net, made.layers, params, x, costs)
    fitting = schedules(chain, nbytes)
    if not fitting:
        raise ValueError(f"remat_within: {nbytes} bytes; the least that these layers need is {schedules(chain)[0].nbytes}")
    if not fitting[-1].cost[1]:
        return cast("Layer[P, object, X, Y]", net)
    return Regrouped(*_built(fitting[-1], iter(made.layers))).layer()


def _recomputes(layer: Layer[Any, Any]) -> bool:
    made = composition(layer)
    return isinstance(made, Remat) or (made is not None and any(map(_recomputes, made.parts())))


def _chain(net: Layer[P, C, X, Y], layers: Sequence[Layer[Any, Any]], params: P, x: X, costs: Sequence[float] | None) -> list[Link]:
    """The layers as they run on torch's device `meta`."""
    bare, bare_x = tree_map(lambda t: t.to("meta"), params), tree_map(lambda t: t.to("meta"), x)
    net.fwd(bare, bare_x)  # an error here names the layer
    chain, alive = [], []
    value: Any = bare_x
    for i, (layer, p) in enumerate(zip(layers, cast("tuple[Any, ...]", bare))):
        cost = _flops(layer, p, value) if costs is None else costs[i]
        y, cache = layer.fwd(p, value)
        chain.append(Link(cost, _memory(value), _memory(cache)))
        alive.append((value, cache))  # while they live, no other storage gets their ids
        value = y
    return chain


def _flops(layer: Layer[Any, Any], params: Any, x: Any) -> int:
    """The FLOPs of the matrix products of a forward pass."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        over(cast(Rule, _unfused), layer).fwd(params, x)
    flops: int = counter.get_total_flops()
    return flops


def _unfused(layer: Layer[Any, Any]) -> Layer[Any, Any]:
    """The layer in another wrapping, by which no combinator knows it: torch counts the FLOPs of plain products alone."""
    return attrs.evolve(layer, fwd=partial(layer.fwd))


def _memory(tree: object) -> Held:
    storages = [t.untyped_storage() for t in tree_leaves(tree)]
    return {id(storage): storage.nbytes() for storage in storages}


def _built(schedule: Schedule, layers: Iterator[Layer[Any, Any]]) -> tuple[Layer[Any, Any], Groups]:
    """The net of a schedule, and how its params are nested."""
    pieces: list[Layer[Any, Any]] = []
    groups: list[Groups | None] = []
    while schedule.rest is not None:
        if schedule.again is None:
            pieces.append(next(layers))
            groups.append(None)
        else:
            inner, within = _built(schedule.again, layers)
            pieces.append(remat(inner))
            groups.append(within)
        schedule = schedule.rest
    return cast("Layer[Any, Any]", serial(*pieces)), tuple(groups)
