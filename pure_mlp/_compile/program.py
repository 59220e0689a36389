"""What a plan runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

Engine: TypeAlias = Literal["plan", "native"]
"""What a program is made of: calls of torch from Python, or C."""
Chunk: TypeAlias = Callable[[Sequence[Sequence[Tensor]]], Tensor]
"""Steps on batches of the program's specs, which the caller has seen to; returns their losses."""

CHUNK = 32
"""How many batches a native program takes at once."""


class Program(NamedTuple):
    """The step for batches of one shape: what runs, its source, and the buffers besides the carry.

    run takes the batch's tensors and returns the loss, or None for a batch of other specs. A native program has `fits`, which says
    whether tensors have its specs, and `chunk`; compiling it took `seconds`.
    """

    run: Callable[..., Tensor | float | None]
    source: str
    buffers: list[Tensor]
    dtype: torch.dtype
    engine: Engine = "plan"
    seconds: float = 0.0
    fits: Callable[..., bool] | None = None
    chunk: Chunk | None = None
