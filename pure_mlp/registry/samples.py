"""Inputs on which every law is tried.

They are drawn from a lattice that every dtype down to bfloat16 holds exactly and that keeps away from 0, where most kinks are:
differences may be taken anywhere, and results in two dtypes compared.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from pure_mlp.layers.linear import Linear

__all__ = [
    "LEADS",
    "OUT",
    "WIDTH",
    "binary_labels",
    "class_labels",
    "distributions",
    "lattice",
    "lattice_linear",
    "real_labels",
    "some_ignored",
]

WIDTH, OUT = 4, 3
"""The last dimension of every sample x, and of y where the layer changes it."""
LEADS: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (7,), (257,), (2, 3), (2, 0, 3), (2, 1, 2, 2))
"""Leading dimensions: none, batch 0, 1, odd, large, and several."""


def lattice(generator: Generator, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Odd multiples of 1/16 between -2 and 2: never 0.

    >>> lattice(Generator().manual_seed(0), 2)
    tensor([-0.4375,  -0.0625], dtype=torch.float64)
    """
    return (2 * torch.randint(-16, 16, shape, generator=generator) + 1).to(dtype) / 16


def lattice_linear(generator: Generator, dtype: torch.dtype = torch.float64) -> Linear:
    """Params (OUT, WIDTH) for which x W^T + b with x on the lattice stays at least 1/256 away from 0.

    >>> lattice_linear(Generator()).weight.shape
    torch.Size([3, 4])
    """
    weight = torch.randint(-8, 9, (OUT, WIDTH), generator=generator).to(dtype) / 8
    return Linear(weight, (2 * torch.randint(-64, 64, (OUT,), generator=generator) + 1).to(dtype) / 256)


def binary_labels(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """0, 1 and soft labels between.

    >>> binary_labels(Generator().manual_seed(0), (3,), torch.float32)
    tensor([1.0000, 1.0000, 0.7500])
    """
    return torch.randint(0, 5, shape, generator=generator).to(dtype) / 4


def class_labels(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Indices into the last dimension of the shape.

    >>> class_labels(Generator().manual_seed(0), (3, 2), torch.float32).shape
    torch.Size([3])
    """
    return torch.randint(0, shape[-1], shape[:-1], generator=generator)


def some_ignored(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Indices, and 2 in the place of about a third of them.

    >>> some_ignored(Generator().manual_seed(0), (3, 2), torch.float32).shape
    torch.Size([3])
    """
    y = class_labels(generator, shape, dtype)
    return torch.where(torch.rand(y.shape, generator=generator) < 1 / 3, 2, y)


def real_labels(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Numbers.

    >>> real_labels(Generator().manual_seed(0), (2,), torch.float32)
    tensor([-0.4375,  -0.0625])
    """
    return lattice(generator, *shape, dtype=dtype)


def distributions(generator: Generator, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Probabilities that add up to 1 over the last dimension.

    >>> distributions(Generator().manual_seed(0), (3, 2), torch.float64).sum(-1).round()
    tensor([1., 1., 1.], dtype=torch.float64)
    """
    return torch.softmax(lattice(generator, *shape, dtype=dtype), -1)
