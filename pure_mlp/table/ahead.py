"""Reading ahead, so that loading overlaps with computing."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

__all__ = ["ahead"]

T = TypeVar("T")

_DEPTH = 4
_PATIENCE = 0.05
"""A thread that waits for room checks after this many seconds whether the reader is still there."""


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The items, made in a thread that is at most four of them ahead; what it raises is raised where the items are read.

    The thread ends with the items, and when the iterator that comes back is closed or dies.

    >>> [*ahead(iter("abc"))]
    ['a', 'b', 'c']
    """
    waiting: Queue[tuple[T] | BaseException | None] = Queue(_DEPTH)
    closed = Event()
    thread = Thread(target=_make, args=(items, waiting, closed), name="pure_mlp reads ahead", daemon=True)
    thread.start()
    try:
        while (got := waiting.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            yield got[0]
    finally:
        closed.set()
        thread.join()


def _make(items: Iterator[T], waiting: Queue[tuple[T] | BaseException | None], closed: Event) -> None:
    try:
        for item in items:
            if not _put((item,), waiting, closed):
                break
        _put(None, waiting, closed)
    except BaseException as error:  # the reader's to handle
        _put(error, waiting, closed)
    finally:
        if (close := getattr(items, "close", None)) is not None:
            close()


def _put(got: tuple[T] | BaseException | None, waiting: Queue[tuple[T] | BaseException | None], closed: Event) -> bool:
    """Whether the reader is still there."""
    while not closed.is_set():
        try:
            waiting.put(got, timeout=_PATIENCE)
        except Full:
            continue
        return True
    return False
