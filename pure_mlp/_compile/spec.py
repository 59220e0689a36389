"""What a buffer must be to hold a value."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Spec(NamedTuple):
    """What a buffer must be to hold a value."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @property
    def dense(self) -> bool:
        """Whether elements lie in memory in the order of their indices, without gaps."""
        return self.stride == row_major(self.shape) or all(
            n == 1 or s == t for n, s, t in zip(self.shape, self.stride, row_major(self.shape))
        )

    @property
    def real(self) -> bool:
        """Whether arithmetic on numbers beside such a tensor may be regrouped: float32 or float64."""
        return self.dtype in (torch.float32, torch.float64)

    @property
    def fresh(self) -> Spec:
        """The spec of a new tensor with these elements: the same where they fill their memory, else row by row."""
        order = sorted(range(len(self.shape)), key=lambda d: (self.stride[d], self.shape[d]))
        size = 1
        for d in order:
            if self.shape[d] != 1 and self.stride[d] != size:
                return self._replace(stride=row_major(self.shape))
            size *= self.shape[d]
        return self


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous tensor."""
    strides: list[int] = []
    size = 1
    for n in reversed(shape):
        strides.append(size)
        size *= max(n, 1)
    return tuple(reversed(strides))


def spec_of(x: Tensor) -> Spec:
    """The spec of a tensor."""
    return Spec(tuple(x.shape), tuple(x.stride()), x.dtype, x.device)
