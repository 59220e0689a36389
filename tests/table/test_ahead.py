"""Reading ahead: the items and the errors of the thread, its lead, its end; and shuffling in bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp.table.ahead import ahead
from pure_mlp.table.feed import Feed
from pure_mlp.table.shuffled import shuffled


def readers() -> int:
    return sum(thread.name == "pure_mlp reads ahead" for thread in threading.enumerate())


def test_what_the_thread_raises_is_raised_where_the_items_are_read() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("row 7: expected a number")

    got: list[int] = []
    with pytest.raises(ValueError, match="row 7"):
        got.extend(ahead(items()))
    assert (got, readers()) == ([1], 0)


def test_the_thread_is_a_few_items_ahead_and_ends_when_nobody_reads() -> None:
    made, closed, full = [], [], threading.Event()

    def items() -> Iterator[int]:
        try:
            for i in range(1000):
                made.append(i)
                if i == 5:
                    full.set()  # four wait, one was read, one is in the thread's hands
                yield i
        finally:
            closed.append(threading.current_thread().name)

    reading = ahead(items())
    assert next(reading) == 0
    assert full.wait(60)
    assert len(made) == 6
    del reading
    assert (readers(), closed) == (0, ["pure_mlp reads ahead"])


def test_the_thread_ends_with_a_step_that_raises() -> None:
    feed = Feed(lambda: iter([(torch.ones(4, 1), torch.ones(4))] * 100), 2)

    def steps() -> None:
        for _ in feed:
            raise RuntimeError("a step")

    with pytest.raises(RuntimeError, match="a step"):
        steps()
    assert readers() == 0


@pytest.mark.parametrize(("n", "size", "held"), [(0, 2, 10), (1, 3, 10), (100, 7, 20), (101, 1, 200), (64, 50, 8)])
@pytest.mark.parametrize("drawn", [False, True])
def test_shuffled_rows_are_the_rows_once_each_in_whole_batches(n: int, size: int, held: int, drawn: bool) -> None:
    rows = torch.arange(2.0 * n).reshape(n, 2)

    def once(seed: int) -> list[Tensor]:
        return [*shuffled(iter(torch.split(rows, 3)), size, Generator().manual_seed(seed) if drawn else None, held)]

    pieces = once(0)
    assert all(len(piece) % size == 0 for piece in pieces[:-1])
    got = torch.cat([rows[:0], *pieces])
    assert got[got[:, 0].argsort()].equal(rows)
    assert got.equal(torch.cat([rows[:0], *once(0)]))
    if drawn and n > size:
        assert not got.equal(rows)
        assert not got.equal(torch.cat(once(1)))
    elif not drawn:
        assert got.equal(rows)


def test_a_shuffle_holds_no_more_rows_than_it_is_allowed() -> None:
    given = out = most = 0

    def pieces() -> Iterator[Tensor]:
        nonlocal given, most
        for _ in range(200):
            given += 10
            most = max(most, given - out)
            yield torch.zeros(10, 4)

    for piece in shuffled(pieces(), 8, Generator().manual_seed(0), held=400):
        out += len(piece)
    assert out == 2000
    assert most <= 110
