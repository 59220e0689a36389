"""The two walks that every step takes: a tree's tensors into a list, and back. Records have theirs written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import Tensor

from pure_mlp.nodes import children, rebuilt

__all__ = ["WALKS", "collect", "grow"]

WALKS: dict[type, tuple[Callable[[object, list[Tensor]], None], Callable[[object, list[Tensor]], object]]] = {}
"""For every record class: `collect(record, leaves)`, and `grow(record, supply)` from the leaves still to come, next one last."""


def collect(tree: object, leaves: list[Tensor]) -> None:
    """Append the tensors of a tree.

    >>> import torch
    >>> leaves = [torch.tensor(1)]
    >>> collect((torch.tensor(2),), leaves)
    >>> leaves
    [tensor(1), tensor(2)]
    """
    kind = type(tree)
    if kind is tuple:
        for child in cast("tuple[object, ...]", tree):
            if (walks := WALKS.get(type(child))) is not None:
                walks[0](child, leaves)
            else:
                collect(child, leaves)
    elif (walks := WALKS.get(kind)) is not None:
        walks[0](tree, leaves)
    elif kind is Tensor or (branches := children(tree)) is None:
        leaves.append(cast(Tensor, tree))
    else:
        for _, child in branches:
            collect(child, leaves)


def grow(tree: object, supply: list[Tensor]) -> object:
    """A tree with the structure of `tree`; its tensors are popped from the end of `supply`.

    >>> import torch
    >>> grow((torch.tensor(1),), [torch.tensor(3), torch.tensor(2)])
    (tensor(2),)
    """
    kind = type(tree)
    if kind is tuple:
        return tuple(
            [
                walks[1](child, supply) if (walks := WALKS.get(type(child))) is not None else grow(child, supply)
                for child in cast("tuple[object, ...]", tree)
            ]
        )
    if (walks := WALKS.get(kind)) is not None:
        return walks[1](tree, supply)
    if kind is Tensor or (branches := children(tree)) is None:
        return supply.pop()
    return rebuilt(tree, [grow(child, supply) for _, child in branches])
