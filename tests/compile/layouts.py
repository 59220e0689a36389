"""Ways in which the same numbers lie in memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def column_major(t: Tensor) -> Tensor:
    """As Fortran and pandas lay out a table: the first index runs fastest."""
    order = tuple(range(t.dim()))[::-1]
    return t.permute(order).contiguous().permute(order)


def gaps(t: Tensor) -> Tensor:
    """Every third number of a larger block, from its second on."""
    wide = t.new_zeros(*t.shape, 3)
    wide[..., 1] = t
    return wide[..., 1]


def offset(t: Tensor) -> Tensor:
    """Inside a block that begins seven numbers before."""
    block = t.new_zeros(t.numel() + 11)
    block[7 : 7 + t.numel()] = t.reshape(-1)
    return block[7 : 7 + t.numel()].view(t.shape)


def padded(t: Tensor) -> Tensor:
    """Rows with two numbers more than are read."""
    if t.dim() == 0:
        return t.clone()
    wide = t.new_zeros(*t.shape[:-1], t.shape[-1] + 2)
    wide[..., : t.shape[-1]] = t
    return wide[..., : t.shape[-1]]


def wide_columns(t: Tensor) -> Tensor:
    """Column-major with a gap after every column."""
    return padded(t.t().contiguous()).t() if t.dim() == 2 else padded(t)


def misaligned(t: Tensor) -> Tensor:
    """At an address that is no multiple of 16 bytes."""
    block = t.new_zeros(t.numel() + 1)
    block[1:] = t.reshape(-1)
    return block[1:].view(t.shape)


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "rows": torch.clone,
    "columns": column_major,
    "gaps": gaps,
    "offset": offset,
    "padded": padded,
    "wide columns": wide_columns,
    "misaligned": misaligned,
    "flipped": lambda t: t.flip(-1).flip(-1) if t.dim() else t.clone(),
}
