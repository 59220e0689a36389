"""What a net consists of, measured: shapes, parameters, and the bytes that a forward pass keeps for the backward pass."""

from __future__ import annotations

from typing import Any

import attrs
from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.record import tree_leaves


@attrs.frozen
class Part:
    """One layer: shapes of input and output, number of parameters, bytes of the storages that no layer before it keeps."""

    input: tuple[int, ...]
    output: tuple[int, ...]
    parameters: int
    kept: int


def anatomy(net: Layer[Any, Any], params: tuple[Any, ...], x: Tensor) -> list[Part]:
    """The dense layers, and what may be below them, for an input x (batch, in), from the caches of a forward pass.

    Each storage is counted once.

    >>> import torch
    >>> from pure_mlp import mlp
    >>> anatomy(*mlp((3, 2), torch.Generator()), torch.ones(5, 3))
    [Part(input=(5, 3), output=(5, 2), parameters=8, kept=100)]
    """
    y, cache = net.fwd(params, x)
    shapes = [tuple(x.shape), *(tuple(kept.shape) for kept, _ in cache[1:]), tuple(y.shape)]
    seen: set[int] = set()
    parts = []
    for i, (p, c) in enumerate(zip(params, cache)):
        storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tree_leaves(c)}
        kept = sum(size for pointer, size in storages.items() if pointer not in seen)
        seen |= storages.keys()
        parts.append(Part(shapes[i], shapes[i + 1], sum(t.numel() for t in tree_leaves(p)), kept))
    return parts
