"""Rows in another order, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

__all__ = ["shuffled"]


def shuffled(pieces: Iterator[Tensor], size: int, generator: Generator | None, held: int) -> Iterator[Tensor]:
    """The rows (n, d) of the pieces in pieces whose lengths are multiples of `size`, the last one aside.

    With a generator, rows wait in a buffer of about `held` numbers; whenever it is full, a half of it, drawn at random, goes out. A
    table that fits into it is shuffled whole. Without one, rows stay in their order.

    >>> rows = torch.arange(6.0).unsqueeze(1)
    >>> [piece.squeeze(1).tolist() for piece in shuffled(iter(torch.split(rows, 3)), 2, None, 0)]
    [[0.0, 1.0], [2.0, 3.0, 4.0, 5.0]]
    """
    waiting: list[Tensor] = []
    n = 0
    for piece in pieces:
        waiting.append(piece)
        n += len(piece)
        full = generator is None or n * piece.shape[1] >= held
        out = (n if generator is None else n // 2) // size * size
        if full and out:
            rows = _mixed(waiting, generator)
            yield rows[:out]
            waiting, n = [rows[out:].clone()], n - out
    if n:
        yield _mixed(waiting, generator)


def _mixed(pieces: list[Tensor], generator: Generator | None) -> Tensor:
    rows = torch.cat(pieces)
    return rows if generator is None else rows[torch.randperm(len(rows), generator=generator)]
