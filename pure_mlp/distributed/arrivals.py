"""A backward pass that hands on the gradients of each layer as soon as they are made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import attrs
from torch import Tensor

from pure_mlp.combinators.serial import Serial
from pure_mlp.layer import Layer, composition
from pure_mlp.record import tree_leaves

__all__ = ["arrivals", "told"]

P = TypeVar("P")
C = TypeVar("C")
Tell = Callable[[list[Tensor]], None]


def told(net: Layer[P, C], tell: Tell) -> Layer[P, C]:
    """The net, whose backward pass calls `tell` with the gradients of each layer of a `serial`, the last layer first.

    Of a net that is no `serial`, it does so once, with all of them.

    >>> import torch
    >>> from pure_mlp import linear, linear_init, serial
    >>> p, seen = linear_init(1, 1, torch.Generator()), []
    >>> net = told(serial(linear, linear), lambda grads: seen.append(len(grads)))
    >>> _ = net.bwd((p, p), net.fwd((p, p), torch.ones(1, 1))[1], torch.ones(1, 1))
    >>> seen
    [2, 2]
    """
    made = composition(net)
    if isinstance(made, Serial):
        return made.rebuilt(*[attrs.evolve(part, bwd=partial(_bwd, part.bwd, tell)) for part in made.parts()])
    return attrs.evolve(net, bwd=partial(_bwd, net.bwd, tell))


def _bwd(bwd: Callable[[Any, Any, Any], tuple[Any, Any]], tell: Tell, params: Any, cache: Any, dy: Any) -> tuple[Any, Any]:
    dx, grads = bwd(params, cache, dy)
    tell(tree_leaves(grads))
    return dx, grads


def arrivals(net: Layer[P, C], params: P) -> list[list[int]]:
    """The places among all leaves of the params of which `told` tells at once, in the order in which it does.

    >>> from torch import Generator
    >>> from pure_mlp import mlp
    >>> arrivals(*mlp((3, 4, 2), Generator()))
    [[2, 3], [0, 1]]
    """
    made = composition(net)
    parts = made.split(params) if isinstance(made, Serial) else (params,)
    places = iter(range(len(tree_leaves(params))))
    return [[next(places) for _ in tree_leaves(part)] for part in parts][::-1]
