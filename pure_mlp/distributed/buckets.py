"""Sums of gradients over processes, sent while more gradients are made."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch import distributed as dist

__all__ = ["Buckets"]


class Buckets:
    """The gradients of one step on their way to the sums over a group: sent in buckets, each one flat tensor and one all-reduce.

    Every process adds tensors of the same sizes in the same order, and each counts `weight` times. A bucket is sent once it holds
    at least `size` numbers; all gradients are one bucket if that is None.
    """

    def __init__(self, group: dist.ProcessGroup, dtype: torch.dtype, weight: float, size: int | None = None) -> None:
        self._group, self._dtype, self._weight, self._size = group, dtype, weight, size
        self._waiting: list[Tensor] = []
        self._sent: list[tuple[Tensor, list[int]]] = []
        self._waits: list[Callable[[], object]] = []

    def add(self, leaves: list[Tensor]) -> None:
        """Add leaves, which may come to be sent before this returns."""
        self._waiting += [leaf.reshape(-1).to(self._dtype) for leaf in leaves]
        if self._size is not None and sum(leaf.numel() for leaf in self._waiting) >= self._size:
            self._send()

    def sums(self) -> list[Tensor]:
        """Send what is left and wait for all sums: a tensor (numel,) for each leaf, in the order in which they were added."""
        self._send()
        for wait in self._waits:
            wait()
        return [piece for flat, sizes in self._sent for piece in torch.split(flat, sizes)]

    def _send(self) -> None:
        if not self._waiting:
            return
        flat = torch.cat(self._waiting).mul_(self._weight)
        if self._group.size() > 1:
            self._waits.append(dist.all_reduce(flat, group=self._group, async_op=True).wait)
        self._sent.append((flat, [leaf.numel() for leaf in self._waiting]))
        self._waiting = []
