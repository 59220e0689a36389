"""Pairs of linear layers of which each process holds some of the hidden units."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, TypeVar

import attrs
import torch
from torch import Tensor
from torch import distributed as dist

from pure_mlp.combinators.dense import Dense
from pure_mlp.combinators.ensemble import Ensemble
from pure_mlp.combinators.serial import Serial
from pure_mlp.layer import Layer, composition, over
from pure_mlp.layers.linear import Linear, linear_bottom_bwd, linear_bwd, linear_fwd, weight_grads
from pure_mlp.record import tree_leaves
from pure_mlp.registry.layers import LAYER_ROWS

__all__ = ["dims", "paired", "roles"]

P = TypeVar("P")
C = TypeVar("C")

_ELEMENTWISE = {getattr(row.layer.fwd, "func", row.layer.fwd) for row in LAYER_ROWS.values() if row.scalars}
_DIMS: dict[str, list[int | None]] = {"rows": [0, 0], "columns": [1, None]}


def roles(net: Layer[Any, Any, Any, Any]) -> list[str]:
    """What each primitive layer is, in the order in which `over` visits them: "rows", "columns", or "" for one that is left whole.

    Linear layers that follow one another, with nothing but elementwise layers between, make pairs: the first is cut by rows, the
    second by columns.

    >>> from pure_mlp import linear, relu, serial
    >>> roles(serial(linear, relu, linear, relu, linear))
    ['rows', '', 'columns', '', '']
    """
    found: list[str] = []
    first: int | None = None
    for layer in _chain(net):
        made = composition(layer)
        if made is not None:
            inside = [role for part in made.parts() for role in roles(part)]
            found += [""] * len(inside) if isinstance(made, Ensemble) else inside  # vmap maps no communication
            first = None
        elif layer.fwd is linear_fwd and layer.bwd in (linear_bwd, linear_bottom_bwd):
            found.append("")
            if first is None:
                first = len(found) - 1
            else:
                found[first], found[-1], first = "rows", "columns", None
        else:
            found.append("")
            first = first if getattr(layer.fwd, "func", layer.fwd) in _ELEMENTWISE else None
    return found


def dims(net: Layer[P, C], params: P) -> list[int | None]:
    """The dimension along which each leaf of the params is cut, None for one that is left whole.

    >>> from torch import Generator
    >>> from pure_mlp import mlp
    >>> dims(*mlp((3, 4, 2), Generator()))
    [0, 0, 1, None]
    """
    whole: list[int | None] = [None]
    owners = zip(roles(net), _owners(net, params))
    return [dim for role, own in owners for dim in _DIMS.get(role, whole * len(tree_leaves(own)))]


def paired(net: Layer[P, C], group: dist.ProcessGroup) -> Layer[P, C]:
    """The net for params cut along `dims`: a pair adds the outputs of its second layer over the group, and dx of its first.

    With f elementwise, W1 = [A1; A2] and W2 = [B1 B2], the pair is B1 f(A1 x) + B2 f(A2 x) (Shoeybi et al., arXiv:1909.08053).

    >>> from pure_mlp import relu
    >>> paired(relu, dist.GroupMember.WORLD) is relu
    True
    """
    kinds = iter(roles(net))

    def rule(layer: Layer[Any, Any, Any, Any]) -> Layer[Any, Any, Any, Any]:
        role = next(kinds)
        if role == "columns":
            return Layer(partial(_columns_fwd, group), layer.bwd)
        return Layer(layer.fwd, partial(_rows_bwd, group)) if role == "rows" and layer.bwd is linear_bwd else layer

    return over(rule, net)


def _chain(net: Layer[Any, Any, Any, Any]) -> Iterator[Layer[Any, Any, Any, Any]]:
    """The layers that follow one another."""
    made = composition(net)
    if isinstance(made, (Serial, Dense)):
        for part in made.parts():
            yield from _chain(part)
    else:
        yield net


def _owners(net: Layer[Any, Any, Any, Any], params: Any) -> Iterator[Any]:
    """The params of each primitive layer."""
    made = composition(net)
    if made is None:
        yield params
    else:
        for part, own in zip(made.parts(), made.split(params)):
            yield from _owners(part, own)


def _columns_fwd(group: dist.ProcessGroup, params: Linear, x: Tensor) -> tuple[Tensor, Tensor]:
    """The bias is added by one process."""
    y, cache = linear_fwd(params if group.rank() == 0 else attrs.evolve(params, bias=torch.zeros_like(params.bias)), x)
    dist.all_reduce(y, group=group)
    return y, cache


def _rows_bwd(group: dist.ProcessGroup, params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
    """dx is on its way while the grads are computed."""
    dx = torch.matmul(dy, params.weight)
    work = dist.all_reduce(dx, group=group, async_op=True)
    grads = weight_grads(params, x, dy)
    work.wait()
    return dx, grads
