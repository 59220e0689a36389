"""Batches for `fit`, read anew each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import torch

from pure_mlp.signatures import Batch
from pure_mlp.table.ahead import ahead

__all__ = ["Feed", "Shares"]


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


@attrs.frozen(eq=False)
class Shares:
    """Batches of which each process of a mesh makes its own. batches: those of one of so many; without a mesh there is one.

    >>> shares = Shares(lambda place, of: Feed(lambda: iter([(torch.arange(4)[place::of],) * 2]), 2))
    >>> [x.tolist() for x, y in shares.share(1, 2)], len([*shares])
    ([[1, 3]], 2)
    """

    batches: Callable[[int, int], Feed]

    def __iter__(self) -> Iterator[Batch]:
        """All of them."""
        return iter(self.batches(0, 1))

    def share(self, place: int, of: int) -> Feed:
        """Those of the process in this place."""
        return self.batches(place, of)
