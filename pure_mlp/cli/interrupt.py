"""Ctrl-C takes effect at the end of a batch, so that it never interrupts the writing of a file."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupt_noted() -> Generator[Callable[[], None]]:
    """Inside, SIGINT is only noted; the function that is yielded raises `KeyboardInterrupt` then, or else the end of the block.

    A second SIGINT is raised at once. Outside the main thread, where signals do not arrive, nothing is changed.

    >>> try:
    ...     with interrupt_noted() as raise_if_noted:
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("still here")
    ...         raise_if_noted()
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    still here
    interrupted
    """
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        if len(noted) > 1:
            raise KeyboardInterrupt

    def raise_if_noted() -> None:
        if noted:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield raise_if_noted
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield raise_if_noted
        raise_if_noted()
    finally:
        signal.signal(signal.SIGINT, before)
