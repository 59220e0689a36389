"""What a net will keep between its passes, before anything runs."""

from __future__ import annotations

from typing import TypeVar

from pure_mlp.layer import Layer
from pure_mlp.layers.dropout import seeded
from pure_mlp.record import tree_leaves, tree_map

__all__ = ["cache_nbytes"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


def cache_nbytes(net: Layer[P, C, X, Y], params: P, x: X) -> int:
    """The bytes that the cache of `net.fwd(params, x)` holds, each storage once: x itself where a layer keeps it.

    The forward pass is run on torch's device `meta`, where tensors have shapes and no memory; no number is computed or allocated.

    Args:
        net: any net.
        params: its params, on any device, `meta` too.
        x: an input, of which only shape and dtype matter.

    Returns:
        The number of bytes.

    Raises:
        ValueError: what the forward pass raises, as shapes that do not fit.

    >>> import torch
    >>> from pure_mlp import mlp, remat
    >>> net, params = mlp((3, 4, 2), torch.Generator())
    >>> x = torch.empty(5, 3, device="meta")
    >>> cache_nbytes(net, params, x), cache_nbytes(remat(net), params, x)
    (180, 60)
    """
    bare_params, bare_x = tree_map(lambda t: t.to("meta"), params), tree_map(lambda t: t.to("meta"), x)
    _, cache = seeded(net, 0).fwd(bare_params, bare_x)
    storages = [t.untyped_storage() for t in tree_leaves(cache)]
    return sum({id(storage): storage.nbytes() for storage in storages}.values())
