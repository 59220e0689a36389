"""A number for each row that depends on its values alone: not on other rows, nor on any order, nor on the format of the file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import torch
from torch import Tensor

from pure_mlp.table.column import Column

__all__ = ["fractions", "hashes"]


def hashes(columns: Sequence[Column], rows: Tensor) -> Tensor:
    """An int64 for each row (n,) of values (n, columns): the sum over the columns of mix(value + name), modulo 2^64.

    The value of a number is the bits of its float64, that of a text the first 8 bytes of its BLAKE2b; mix is the finalizer of
    SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014).

    >>> columns = [Column("a", "number"), Column("b", "number")]
    >>> rows = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    >>> hashes(columns, rows).equal(hashes(columns[::-1], rows.flip(1)))
    True
    """
    total = torch.zeros(len(rows), dtype=torch.int64)
    for column, found in zip(columns, rows.t()):
        missing = found.isnan()
        if column.levels:
            digests = [_number(float(level)) if column.kind == "number" else _digest(level) for level in column.levels]
            bits = torch.tensor(digests)[found.nan_to_num(0.0).long()]
        else:
            bits = _bits(found)
        total = total + _mix(torch.where(missing, _digest(""), bits) + _digest(column.name))
    return total


def fractions(found: Tensor, seed: int) -> Tensor:
    """Where in [0, 1) the hashes (n,) fall under a seed, float64.

    >>> bool(((0 <= fractions(torch.arange(9), 0)) & (fractions(torch.arange(9), 0) < 1)).all())
    True
    """
    return _shift(_mix(found + _digest(str(seed))), 11).to(torch.float64) * 2.0**-53


def _mix(h: Tensor) -> Tensor:
    h = (h ^ _shift(h, 30)) * -0x40A7B892E31B1A47  # 0xBF58476D1CE4E5B9 as an int64
    h = (h ^ _shift(h, 27)) * -0x6B2FB644ECCEEE15  # 0x94D049BB133111EB
    return h ^ _shift(h, 31)


def _shift(h: Tensor, n: int) -> Tensor:
    """The bits moved n to the right, with zeros at the left."""
    return (h >> n) & ((1 << (64 - n)) - 1)


def _bits(x: Tensor) -> Tensor:
    return (x + 0.0).view(torch.int64)  # -0 is 0


@lru_cache(2**14)
def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little", signed=True)


def _number(value: float) -> int:
    return int(_bits(torch.tensor([value], dtype=torch.float64)).item())
