"""What a plan wants to know of a carry or a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp._compile.graph import Unplannable
from pure_mlp.record import children, tree_items, tree_leaves


def tensors(tree: object, what: str) -> list[Tensor]:
    """The leaves of a tree. Raises `Unplannable` if one is no tensor.

    >>> tensors((1.0,), "batch")
    Traceback (most recent call last):
    pure_mlp._compile.graph.Unplannable: the batch holds float, not tensors alone
    """
    leaves = tree_leaves(tree)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise Unplannable(f"the {what} holds {type(leaf).__name__}, not tensors alone")
    return leaves


def names(tree: object) -> list[str]:
    """What a program calls the leaves.

    >>> names(((torch.ones(1),), torch.ones(1)))
    ['0_0', '1']
    """
    return [path.replace(".", "_") for path, _ in tree_items(tree)]


def is_count(leaf: Tensor) -> bool:
    """Whether a leaf of the carry is a host number.

    >>> is_count(torch.zeros((), dtype=torch.float64)), is_count(torch.zeros(()))
    (True, False)
    """
    return leaf.dim() == 0 and leaf.dtype == torch.float64


def structure(tree: object) -> object:
    """What two trees have in common whose leaves may stand for one another: classes, shapes, dtypes, devices.

    >>> structure((torch.ones(2),)) == structure((torch.zeros(2),)), structure((torch.ones(2),)) == structure(torch.ones(2))
    (True, False)
    """
    if isinstance(tree, Tensor):
        return tree.shape, tree.dtype, tree.device
    branches = children(tree)
    return tree if branches is None else (type(tree), *(structure(child) for _, child in branches))
