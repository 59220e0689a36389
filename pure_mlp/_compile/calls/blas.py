"""The BLAS in torch, called by its documented symbols: what `torch.mm` calls, without torch's microsecond of
overhead.

Every argument of these subroutines is an address. Integers are 64 bits in memory; on a little-endian processor a
library that reads 32 of them gets the same number.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from pure_mlp._compile.spec import Spec

Routine: TypeAlias = Callable[..., None]
Arguments: TypeAlias = tuple[object, ...]
Real: TypeAlias = ctypes.c_float | ctypes.c_double
LETTER = {torch.float32: "s", torch.float64: "d"}
REAL: dict[torch.dtype, type[Real]] = {torch.float32: ctypes.c_float, torch.float64: ctypes.c_double}
_NO, _YES = ctypes.c_char_p(b"N"), ctypes.c_char_p(b"T")
_ZERO = ctypes.byref(ctypes.c_double(0.0))  # a float at this address is 0 too


def real(dtype: torch.dtype) -> Real:
    """Memory for a factor that is written at each step."""
    return REAL[dtype]()


def factor(c: float | Real, dtype: torch.dtype) -> object:
    """The address of a factor."""
    return ctypes.byref(REAL[dtype](c) if isinstance(c, (int, float)) else c)


class Address(ctypes.c_void_p):
    """The address of a tensor's elements; `of` keeps the tensor alive, and is None if each step sets the address."""

    of: Tensor | None = None


class Operand(NamedTuple):
    """A matrix or vector in memory."""

    at: Address
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def t(self) -> Operand:
        """The transpose, in the same memory."""
        return Operand(self.at, self.shape[::-1], self.stride[::-1])

    @property
    def layout(self) -> tuple[ctypes.c_char_p, object]:
        """The operand as BLAS, which is column-major, sees it: whether to transpose it, and its leading dimension."""
        down, right = self.stride
        return (_NO, integer(right)) if down == 1 and right >= self.shape[0] else (_YES, integer(down))


@cache
def _library() -> ctypes.CDLL | None:
    """The library of torch's that exports BLAS, if there is one."""
    if sys.byteorder != "little":
        return None
    for path in sorted((Path(torch.__file__).parent / "lib").glob("libtorch_cpu.*")):
        try:
            found = ctypes.CDLL(str(path))
        except OSError:
            continue
        if hasattr(found, "sgemm_") and hasattr(found, "dgemm_"):
            return found
    return None


@cache
def routine(name: str, dtype: torch.dtype) -> Routine | None:
    """The subroutine `?gemm_`, `?gemv_` or `?axpy_` for a dtype; None where torch has none."""
    function = getattr(_library(), f"{LETTER[dtype]}{name}_", None) if dtype in LETTER else None
    if function is not None:
        function.restype = None
    return function


def address(t: Tensor) -> Address:
    """Where the elements of a tensor begin."""
    at = Address(t.data_ptr())
    at.of = t
    return at


@cache
def integer(n: int) -> object:
    """The address of an integer."""
    return ctypes.byref(ctypes.c_int64(n))


def fits(spec: Spec) -> bool:
    """Whether BLAS takes such a matrix: float32 or float64, on the CPU, with contiguous rows or columns."""
    shape, stride, dtype, device = spec
    if len(shape) != 2 or dtype not in LETTER or device.type != "cpu" or not all(0 < n < 2**31 for n in (*shape, *stride)):
        return False
    return (stride[1] == 1 and stride[0] >= shape[1]) or (stride[0] == 1 and stride[1] >= shape[0])


def gemm(out: Operand, a: Operand, b: Operand, alpha: object, beta: object) -> Arguments:
    """The arguments of `?gemm_` for out <- alpha a b + beta out; where beta is 0, what out holds is not read.

    out (m, n), a (m, k), b (k, n), of specs that `fits`; alpha and beta are addresses of numbers. To BLAS, a
    row-major out is its own transpose, which is b^T a^T.
    """
    if out.layout[0] is _YES:
        out, a, b = out.t, b.t, a.t
    (_, lc), (ta, la), (tb, lb), (m, n) = out.layout, a.layout, b.layout, out.shape
    return ta, tb, integer(m), integer(n), integer(a.shape[1]), alpha, a.at, la, b.at, lb, beta, out.at, lc


def gemv(out: Address, a: Operand, x: Address, alpha: object) -> Arguments:
    """The arguments of `?gemv_` for the contiguous vector out <- alpha a x, which does not read out; a (m, k)
    `fits`, x (k,).
    """
    transposed, step = a.layout
    m, k = a.shape if transposed is _NO else a.shape[::-1]
    return transposed, integer(m), integer(k), alpha, a.at, step, x, integer(1), _ZERO, out, integer(1)


def axpy(out: Address, x: Address, count: int, alpha: object) -> Arguments:
    """The arguments of `?axpy_` for contiguous out <- out + alpha x."""
    return integer(count), alpha, x, integer(1), out, integer(1)
