"""Columns of whole numbers, looked up in tables of their own, beside columns of numbers (Guo and Berkhahn, arXiv:1604.06737)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import attrs
import torch
from torch import Tensor

from pure_mlp.layer import Composed, Layer, tangent
from pure_mlp.layers.embedding import Embedding, embedding
from pure_mlp.layers.inits import Device
from pure_mlp.layers.linear import NO_DX
from pure_mlp.shapes import spec

__all__ = ["embed_columns", "embed_columns_init"]


def embed_columns(count: int) -> Layer[tuple[Embedding, ...], tuple[Tensor, ...]]:
    """y = [x_1 .. x_m, W1_i, .., Wk_j]: the first m columns of x as they are, then for each of the last k the row that it names.

    x (*, m + k) -> y (*, m + the widths of the tables). The last columns hold whole numbers, in the dtype of the others; others
    are rounded to the nearest, halves up. So y does not move with them, and their dx is 0.
    Params are k tables W. The cache holds what was looked up in each, and an empty tensor (0, m).

    Args:
        count: k, at least 1.

    Returns:
        The layer; its parts are k times `embedding`.

    Raises:
        ValueError: a count that is no whole number from 1. When called: another number of tables, a number without a row, with
            its column, another dtype than that of the tables.

    >>> params = embed_columns_init([(3, 2)])
    >>> embed_columns(1).fwd(params, torch.tensor([[0.5, 2.0], [7.0, 0.0]]))[0]
    tensor([[0.5000, 0.0000, 0.0000],
            [7.0000, 0.0000, 0.0000]])
    """
    if not hasattr(count, "__index__") or count < 1:
        raise ValueError(f"embed_columns: {count!r} columns, expected a whole number from 1")
    return EmbedColumns((embedding,) * count).layer()


def embed_columns_init(
    sizes: Sequence[tuple[int, int]], dtype: torch.dtype = torch.float32, device: Device = "cpu"
) -> tuple[Embedding, ...]:
    """Tables of zeros: rows that are looked up leave 0 with the first step, and a row that never is stays there.

    Args:
        sizes: of each table how many rows it has, and how wide they are.
        dtype: that of the tables.
        device: that of the tables.

    Returns:
        The params of `embed_columns(len(sizes))`.

    Raises:
        ValueError: a size below 1, or a dtype that is not floating.

    >>> [tuple(table.weight.shape) for table in embed_columns_init([(3, 2), (100, 8)])]
    [(3, 2), (100, 8)]
    """
    if not all(hasattr(n, "__index__") and n >= 1 for size in sizes for n in size) or not dtype.is_floating_point:
        raise ValueError(f"embed_columns: tables {[*sizes]} of {str(dtype)[6:]}, expected sizes from 1 and a floating dtype")
    return tuple(Embedding(torch.zeros(rows, width, dtype=dtype, device=device)) for rows, width in sizes)


@attrs.frozen(eq=False)
class EmbedColumns(Composed):
    """The parts of `embed_columns(count)`."""

    tables: tuple[Layer[Any, Any], ...]

    @property
    def name(self) -> str:
        return "embed_columns"

    def parts(self) -> tuple[Layer[Any, Any], ...]:
        return self.tables

    def rebuilt(self, *parts: Layer[Any, Any]) -> Layer[Any, Any]:
        return EmbedColumns(parts).layer()

    def fwd(self, params: tuple[Any, ...], x: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
        k = len(self.tables)
        if len(params) != k or not x.dim() or x.shape[-1] < k:
            raise ValueError(f"input {spec(x)}, {len(params)} tables, expected {k} tables and as many columns, or more")
        cut = x.shape[-1] - k
        ys, caches = [x[..., :cut]], []
        for column, (table, p) in enumerate(zip(self.tables, params), cut):
            try:
                y, cache = table.fwd(p, _rounded(x[..., column]))
            except ValueError as error:
                raise ValueError(f"column {column}: {error}") from error
            if y.dtype != x.dtype:
                raise ValueError(f"column {column}: input {spec(x)}, its table gives {spec(y)}: expected one dtype")
            ys.append(y)
            caches.append(cache)
        return torch.cat(ys, -1), (*caches, x.new_empty(0, cut))

    def bwd(self, params: tuple[Any, ...], cache: tuple[Any, ...], dy: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
        *caches, mark = cache
        widths = [mark.shape[-1], *(p.weight.shape[-1] for p in params)]
        if dy.shape[-1:] != (sum(widths),):
            raise ValueError(f"dy {spec(dy)}, expected (*, {sum(widths)}) as the output")
        dx, *dys = [dy[..., end - width : end] for end, width in zip(accumulate(widths), widths)]
        grads = tuple(table.bwd(p, c, d)[1] for table, p, c, d in zip(self.tables, params, caches, dys))
        return torch.cat((dx, dx.new_zeros(*dx.shape[:-1], len(dys))), -1), grads

    def jvp(self, params: tuple[Any, ...], cache: tuple[Any, ...], dparams: tuple[Any, ...], dx: Tensor) -> Tensor:
        *caches, mark = cache
        moved = [tangent(table)(p, c, dp, NO_DX) for table, p, c, dp in zip(self.tables, params, caches, dparams)]
        return torch.cat((dx[..., : mark.shape[-1]], *moved), -1)


def _rounded(x: Tensor) -> Tensor:
    """In float64, where a half can be added to whatever is exact in another dtype."""
    return (x.to(torch.float64) + 0.5).floor().to(torch.int64)
