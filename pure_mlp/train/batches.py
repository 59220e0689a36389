"""One pass through the examples, in batches."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator

from pure_mlp.nodes import is_tensor
from pure_mlp.shapes import spec
from pure_mlp.signatures import Batch
from pure_mlp.train.step import pair

__all__ = ["batches"]

_GATHERED = 2**18
"""How many numbers are copied at once; small batches are slices of one such copy."""


def batches(data: Batch, size: int, generator: Generator | None = None) -> Iterator[Batch]:
    """The examples in pieces of `size`, the last one perhaps shorter; in an order drawn from the generator, or as they stand.

    Args:
        data: x and y, with the examples along the first dimension of both.
        size: how many examples a piece has, at least 1.
        generator: what the order is drawn from; None leaves the examples as they stand.

    Returns:
        Pairs of pieces of x and y.

    Raises:
        ValueError: a size below 1, or x and y of different lengths.

    >>> [x.tolist() for x, y in batches((torch.arange(5), torch.arange(5)), 2)]
    [[0, 1], [2, 3], [4]]
    """
    x, y = pair(data, "batches: data")
    if not (is_tensor(x) and is_tensor(y)):
        raise ValueError(f"batches: x {spec(x)}, y {spec(y)}, expected tensors")
    if generator is not None and not isinstance(generator, Generator):
        raise ValueError(f"batches: generator {spec(generator)}, expected a torch.Generator")
    if not hasattr(size, "__index__") or size < 1 or len(x) != len(y):
        raise ValueError(f"batches: size {size!r}, {len(x)} inputs, {len(y)} labels; expected at least 1 and as many of both")
    order = torch.arange(len(x)) if generator is None else torch.randperm(len(x), generator=generator)
    numbers = size * max(x[:1].numel() + y[:1].numel(), 1)
    several = torch.split(order, size * max(_GATHERED // numbers, 1))
    return (batch for rows in several for batch in zip(*(torch.split(t.index_select(0, rows), size) for t in data)))
