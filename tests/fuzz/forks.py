"""A call in a process of its own, which may crash or never end."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")


class Died(Exception):
    """What became of a process that gave no answer."""


def forked(call: Callable[[], T], *, seconds: float = 60.0) -> T:
    """What the call returns, made by a fork of this process. Raises `Died` where it raises, crashes, or takes longer."""
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(call, theirs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
        process.start()
    theirs.close()
    try:
        if not ours.poll(seconds):
            raise Died(f"did not end within {seconds:.0f} s")
        error, value = ours.recv()
    except EOFError:
        process.join()
        raise Died(f"ended with {process.exitcode}, as by signal {-(process.exitcode or 0)}") from None
    finally:
        process.kill()
        process.join()
        ours.close()
    if error:
        raise Died(error)
    answer: T = value
    return answer


def _answer(call: Callable[[], object], pipe: Connection) -> None:
    try:
        answer = "", call()
    except BaseException as error:
        answer = f"{type(error).__name__}: {error}", None
    pipe.send(answer)
    pipe.close()
