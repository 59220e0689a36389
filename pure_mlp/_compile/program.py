"""What a plan runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor

Engine: TypeAlias = Literal["pure", "plan", "native"]
"""What runs a step: Python as it stands, a flat program of torch's calls, or that program in C."""
Chunk: TypeAlias = Callable[[int, int], Tensor]
"""Steps on batches of the program's specs, which the caller has checked: the place of a table with the addresses of
their tensors, and their number. Returns the losses of those before the first failure.
"""

Place: TypeAlias = tuple[int, tuple[int, ...], tuple[int, ...]]
"""Address, shape and strides of a tensor: `t.data = other` changes any of them."""

CHUNK = 32
"""How many batches a native program takes at once."""
SLICES = 128
"""How many, if they are slices: so many steps cannot be interrupted."""


def check_engine(engine: Engine) -> Engine:
    """The engine. Raises `ValueError` where there is none of this name."""
    if engine not in get_args(Engine):
        raise ValueError(f"engine {engine!r}, expected one of {', '.join(get_args(Engine))}")
    return engine


class Program(NamedTuple):
    """The step for batches of one shape: what runs, its source, and the buffers besides the carry.

    run takes the batch's tensors and returns the loss, or None where the program does not apply: for a batch of
    other specs, or a rate of 0. captured are tensors that the step uses besides carry and batch, with their
    places; coarsest is the dtype of least precision that it computes in. A native program has `fits`, which
    says whether tensors have its specs, and `chunk`; compiling it took `seconds`.
    """

    run: Callable[..., Tensor | float | None]
    source: str
    buffers: list[Tensor]
    dtype: torch.dtype
    engine: Engine = "plan"
    seconds: float = 0.0
    fits: Callable[..., bool] | None = None
    chunk: Chunk | None = None
    captured: Sequence[tuple[Tensor, Place]] = ()
    coarsest: torch.dtype = torch.float64


def place_of(t: Tensor) -> Place:
    """Where a tensor lies, and how."""
    return t.data_ptr(), t.shape, t.stride()
