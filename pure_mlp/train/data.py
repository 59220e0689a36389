"""What `fit` takes as data: a pair of tensors or arrays, or batches made by someone else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

from pure_mlp.nodes import is_tensor
from pure_mlp.record import tree_leaves
from pure_mlp.train.step import Batch

__all__ = ["Data", "Shared", "as_pair"]

Data: TypeAlias = Batch | Iterable[Batch]
"""Inputs and labels, or an iterable of batches of both that can be run through again, such as a `DataLoader`."""


@runtime_checkable
class Shared(Protocol):
    """Batches of which each process of a mesh makes its own, so that none needs all rows.

    >>> isinstance([], Shared)
    False
    """

    def __iter__(self) -> Iterator[Batch]:
        """All batches, for one process."""
        ...

    def share(self, place: int, of: int) -> Iterable[Batch]:
        """The batches of the process in this place of so many, to be run through once an epoch; each row in one share alone."""
        ...


def as_pair(data: Data, carry: object) -> Batch | None:
    """Inputs and labels as tensors; None for data that are batches already.

    Arrays of floating numbers get the dtype of the first floating tensor of the carry, arrays of integers int64.

    Raises `ValueError` for data of another class, and for a pair without examples.

    >>> as_pair((torch.arange(2), torch.arange(2)), ()), as_pair([(torch.arange(2), torch.arange(2))], ())
    ((tensor([0, 1]), tensor([0, 1])), None)
    """
    held: Any = getattr(data, "tensors", data)  # those of a TensorDataset
    if isinstance(held, tuple) and len(held) == 2 and all(isinstance(t, list) and not any(map(_holds, t)) for t in held):
        raise ValueError("fit: x and y are lists, expected tensors or arrays, as of torch.tensor(x)")
    if isinstance(held, (tuple, list)) and len(held) == 2 and all(map(_numbers, held)):
        floating = [leaf.dtype for leaf in tree_leaves(carry) if is_tensor(leaf) and leaf.is_floating_point()]
        x, y = (_tensor(t, (*floating, torch.float32)[0]) for t in held)
        if not x.dim() or not y.dim() or len(x) == 0 == len(y):
            raise ValueError(f"fit: no examples: x {tuple(x.shape)}, y {tuple(y.shape)}")
        return x, y
    if not isinstance(held, Iterable) or isinstance(held, (Iterator, str, dict)) or _numbers(held):
        raise ValueError(
            f"fit: data of class {type(data).__name__}, expected (x, y) of tensors or arrays, "
            "or batches (x, y) that can be run through once an epoch: a list, a DataLoader"
        )
    return None


def _numbers(t: object) -> bool:
    return isinstance(t, Tensor) or hasattr(t, "__array__")


def _holds(t: object) -> bool:
    """Whether this is a tensor, or a batch of tensors."""
    return _numbers(t) or (isinstance(t, (tuple, list)) and any(map(_numbers, t)))


def _tensor(t: Any, dtype: torch.dtype) -> Tensor:
    if isinstance(t, Tensor):
        return t
    try:
        made: Tensor = torch.from_numpy(t.__array__().copy())
    except (TypeError, ValueError) as error:
        raise ValueError(f"fit: an array that is no tensor: {error}") from error
    return made.to(dtype if made.is_floating_point() else torch.int64)
