"""The data of a task as numpy's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .task import BATCHES, Task

Array = NDArray[np.float32]
Batch = tuple[Array, Array]


class Start(NamedTuple):
    """The task, the parameters at the start (weight, bias, weight, ..), the batches."""

    task: Task
    params: list[Array]
    batches: list[Batch]


def views(flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """One array as arrays of these shapes."""
    pieces = np.split(flat, [*accumulate(map(prod, shapes))][:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes)]


def save(path: str, arrays: Sequence[Array]) -> None:
    """Write the numbers of the arrays, one after another."""
    np.concatenate([np.ravel(a) for a in arrays]).tofile(path)


def load(task: Task) -> Start:
    """Parameters and batches from the file of the start."""
    arrays, n = views(np.fromfile(task.file("start"), np.float32), task.layout()), len(task.shapes())
    return Start(task, arrays[:n], [*zip(arrays[n : n + BATCHES], arrays[n + BATCHES :])])
