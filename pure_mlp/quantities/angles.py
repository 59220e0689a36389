"""Angles between gradients."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from pure_mlp.optim.widths import widened
from pure_mlp.record import tree_map

__all__ = ["angles"]

P = TypeVar("P")


def angles(grads: P, others: P) -> P:
    """The angle in degrees, 0 to 180, between each leaf of two trees: below 90 a step along one goes down the other's slope too.

    2 atan2(|u - v|, |u + v|) of the unit vectors, which loses nothing near 0 and 180. A leaf of zeros has no direction: NaN.

    Args:
        grads: gradients, as those of a rule for credit.
        others: of the same type, as those of backpropagation.

    Returns:
        A tree of that type whose leaves are 0-dim.

    Raises:
        ValueError: the trees differ.

    >>> angles((torch.tensor([1.0, 0.0]),), (torch.tensor([2.0, 2.0]),))
    (tensor(45.),)
    """
    return tree_map(_angle, grads, others)


def _angle(a: Tensor, b: Tensor) -> Tensor:
    u, v = (t / torch.linalg.vector_norm(t) for t in widened([a, b]))
    return torch.rad2deg(2 * torch.atan2(torch.linalg.vector_norm(u - v), torch.linalg.vector_norm(u + v)))
