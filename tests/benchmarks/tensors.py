"""The data of a task as torch's tensors; files are the bridge to the other processes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from .task import BATCHES, Task

Batch = tuple[Tensor, Tensor]


class Start(NamedTuple):
    """The task, the parameters at the start (weight, bias, weight, ..), the batches."""

    task: Task
    params: list[Tensor]
    batches: list[Batch]

    def many(self) -> list[Batch]:
        """The batches of a call of k steps."""
        return [self.batches[i % BATCHES] for i in range(self.task.k)]


def draw(task: Task) -> list[Tensor]:
    """Parameters as torch.nn's, inputs N(0, 1), labels uniform in [0, 1): always the same, in the order of the file."""
    generator, tensors = Generator().manual_seed(0), []
    for i, shape in enumerate(task.layout()):
        if i < len(task.shapes()):
            bound = task.sizes[i // 2] ** -0.5
            tensors.append(torch.empty(shape).uniform_(-bound, bound, generator=generator))
        elif i < len(task.layout()) - BATCHES:
            tensors.append(torch.randn(shape, generator=generator))
        else:
            tensors.append(torch.rand(shape, generator=generator))
    return tensors


def save(path: str, tensors: Sequence[Tensor]) -> None:
    """Write the numbers of the tensors, one after another."""
    size = sum(t.numel() for t in tensors)
    torch.from_file(path, shared=True, size=size).copy_(torch.cat([t.detach().reshape(-1) for t in tensors]))


def read(path: str, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Read tensors of these shapes, each into memory of its own."""
    flat = torch.from_file(path, size=sum(map(prod, shapes)))
    return [piece.reshape(shape).clone() for piece, shape in zip(flat.split([prod(s) for s in shapes]), shapes)]


def load(task: Task) -> Start:
    """What `draw` made, from its file."""
    torch.set_num_threads(task.threads)
    tensors, n = read(task.file("start"), task.layout()), len(task.shapes())
    return Start(task, tensors[:n], [*zip(tensors[n : n + BATCHES], tensors[n + BATCHES :])])
