"""Batches that lie in memory one after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import torch
from torch import Tensor

from pure_mlp.record import tree_items, tree_like
from pure_mlp.shapes import spec

B = TypeVar("B")


class Slices(Generic[B]):
    """The slices along the first dimension of a tree of tensors, as batches for `fold`: what `jax.lax.scan` takes.

    A list of batches has the same values. Here a native program checks the specs of all batches at once, and not
    of each: with nets of a few dozen units that check is most of a step.

    Args:
        tree: tensors (number of batches, ..), in a tree that is built as a batch is.

    Raises:
        ValueError: a leaf that is no tensor or has no dimension, other numbers of slices, or no leaf at all.

    >>> x, y = torch.zeros(100, 10, 2), torch.zeros(100, 10, 5)
    >>> batches = Slices((x, y))
    >>> len(batches), [t.shape for t in next(iter(batches))]
    (100, [torch.Size([10, 2]), torch.Size([10, 5])])
    """

    def __init__(self, tree: B) -> None:
        self.tree = tree
        self.leaves: list[Tensor] = []
        for path, leaf in tree_items(tree):
            if not isinstance(leaf, Tensor) or not leaf.dim():
                where = f"leaf {path}" if path else "the tree"
                raise ValueError(f"Slices: {where} is {spec(leaf)}, expected a tensor of at least one dimension")
            self.leaves.append(leaf)
        if len({len(leaf) for leaf in self.leaves}) != 1:
            raise ValueError(f"Slices: {spec(tree)}, expected tensors of one length along the first dimension")

    def __len__(self) -> int:
        return len(self.leaves[0])

    def __iter__(self) -> SliceIterator[B]:
        return SliceIterator(self)


def keep_values(batches: object) -> bool:
    """Whether the batches of this iterable keep their values while further ones are drawn."""
    return type(batches) in (list, tuple, Slices)


class SliceIterator(Iterator[B]):
    """An iterator over slices that knows how many are left, and where they lie."""

    def __init__(self, slices: Slices[B]) -> None:
        self._slices = slices
        self.at: int = 0

    def __next__(self) -> B:
        if not self.left:
            raise StopIteration
        self.at += 1
        return tree_like(self._slices.tree, [leaf[self.at - 1] for leaf in self._slices.leaves])

    @property
    def left(self) -> int:
        """How many slices are left."""
        return len(self._slices) - self.at

    def addresses(self, count: int) -> Tensor:
        """The addresses of the next slices, a row for each and a column for each leaf."""
        first = [leaf.data_ptr() for leaf in self._slices.leaves]
        steps = [leaf.stride(0) * leaf.itemsize for leaf in self._slices.leaves]
        return torch.tensor(first) + torch.arange(self.at, self.at + count).unsqueeze(1) * torch.tensor(steps)
