"""Tensors by shape, dtype, seed and layout: what drawn programs begin with."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

import torch
from torch import Generator, Tensor


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


def first_row(t: Tensor) -> Tensor:
    """The first row instead of every row, at one address."""
    return t[:1].expand(t.shape) if t.dim() and t.shape[0] else t.clone()


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
"""Ways in which the same numbers lie in memory."""
ALL_LAYOUTS = LAYOUTS | {"first row": first_row}


def rand(shape: tuple[int, ...], dtype: torch.dtype, seed: int, layout: str = "rows", poison: str = "") -> Tensor:
    """Normal numbers, whole ones up to 4, or both truth values; with poison an inf, -inf or nan as first number."""
    t = torch.randn(shape, generator=Generator().manual_seed(seed), dtype=torch.float64)
    if dtype == torch.bool:
        t = t > 0
    elif not dtype.is_floating_point:
        t = (t.abs() * 2).floor().clamp(max=4)
    if poison and t.numel():
        t.view(-1)[0] = {"inf": inf, "-inf": -inf, "nan": nan}[poison]
    return ALL_LAYOUTS[layout](t.to(dtype))


def exact(shape: tuple[int, ...], seed: int) -> Tensor:
    """A 0-dim or larger float64 tensor of small whole numbers: a count."""
    return torch.randint(0, 5, shape, generator=Generator().manual_seed(seed)).double()
