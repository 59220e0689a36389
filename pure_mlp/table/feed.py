"""Batches for `fit`, read anew each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import torch

from pure_mlp.signatures import Batch
from pure_mlp.table.ahead import ahead

__all__ = ["Feed"]


@attrs.frozen(eq=False)
class Feed:
    """An iterable of batches of at most `size` examples, cut from pieces (x, y) that a thread makes ahead of the steps.

    pieces: what begins a pass. Their lengths are multiples of size, the last one aside.

    >>> [len(x) for x, y in Feed(lambda: iter([(torch.ones(5, 2), torch.ones(5))]), 2)]
    [2, 2, 1]
    """

    pieces: Callable[[], Iterator[Batch]]
    size: int

    def __iter__(self) -> Iterator[Batch]:
        """The batches of one pass."""
        for x, y in ahead(self.pieces()):
            yield from zip(torch.split(x, self.size), torch.split(y, self.size))
