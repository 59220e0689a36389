"""DTensors, which are whole while a mesh computes with them, and as they came before and after."""

from __future__ import annotations

from importlib import import_module
from typing import Any, TypeVar

from torch import Tensor

from pure_mlp.record import tree_map

__all__ = ["placed", "whole"]

T = TypeVar("T")


def whole(tree: T) -> T:
    """The tree with every DTensor as one plain tensor; every process of its mesh must call it.

    >>> import torch
    >>> whole((torch.ones(1), ()))
    (tensor([1.]), ())
    """
    return tree_map(_full, tree)


def placed(like: T, tree: T) -> T:
    """The plain tensors with the placements that they have in `like`; those that are plain there stay so.

    >>> import torch
    >>> placed(torch.ones(1), torch.zeros(1))
    tensor([0.])
    """
    return tree_map(_placed, like, tree)


# Any is a DTensor, whose module is imported where there is one, or a plain tensor.
def _full(leaf: Any) -> Tensor:
    full: Tensor = leaf.full_tensor() if hasattr(leaf, "full_tensor") else leaf
    return full


def _placed(like: Any, leaf: Tensor) -> Tensor:
    if not hasattr(like, "placements"):
        return leaf
    made: Tensor = import_module("torch.distributed.tensor").distribute_tensor(leaf, like.device_mesh, like.placements)
    return made
