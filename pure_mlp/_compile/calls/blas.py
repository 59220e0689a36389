"""The BLAS that torch carries, called by its symbols: what `torch.mm` calls in the end, without the microsecond before that."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from pure_mlp._compile.graph import Spec

Routine: TypeAlias = Callable[..., None]
"""A subroutine of Fortran's: all arguments are addresses."""
Arguments: TypeAlias = tuple[object, ...]
LETTER = {torch.float32: "s", torch.float64: "d"}
REAL = {torch.float32: ctypes.c_float, torch.float64: ctypes.c_double}


class Address(ctypes.c_void_p):
    """Where the elements of a tensor begin; `of` keeps the tensor alive, None where the address is set anew at each step."""

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
        """What BLAS, which counts down columns, must know of a matrix: whether to transpose what lies there, and by how much
        its columns are apart."""
        down, right = self.stride
        return (_NO, integer(right)) if down == 1 and right >= self.shape[0] else (_YES, integer(down))


_NO, _YES = ctypes.c_char_p(b"N"), ctypes.c_char_p(b"T")


def operand(t: Tensor) -> Operand:
    """A tensor where it lies, which is kept alive.

    >>> operand(torch.ones(2, 3)).stride
    (3, 1)
    """
    return Operand(address(t), tuple(t.shape), t.stride())


@cache
def library() -> ctypes.CDLL | None:
    """The library of torch's that exports BLAS, if there is one.

    >>> found = library()
    >>> found is None or hasattr(found, "sgemm_")
    True
    """
    for path in sorted((Path(torch.__file__).parent / "lib").glob("libtorch_cpu.*")):
        found = ctypes.CDLL(str(path))
        if hasattr(found, "sgemm_") and hasattr(found, "dgemm_"):
            return found
    return None


@cache
def routine(symbol: str) -> Routine | None:
    """The subroutine of this symbol, `sgemm_` or `dgemv_`; None where torch has none.

    >>> routine("no_such_symbol")
    """
    function = getattr(library(), symbol, None)
    if function is not None:
        function.restype = None
    return function


def address(t: Tensor) -> Address:
    """Where the elements of a tensor begin.

    >>> x = torch.ones(3)
    >>> address(x[1:]).value - address(x).value
    4
    """
    at = Address(t.data_ptr())
    at.of = t
    return at


@cache
def integer(n: int) -> object:
    """The address of an integer, read rightly whether the BLAS takes 32 bits or 64, where the lower ones come first.

    >>> integer(3) is integer(3)
    True
    """
    return ctypes.byref(ctypes.c_int64(n))


def fits(spec: Spec) -> bool:
    """Whether BLAS takes such a matrix: of float32 or float64 in the processor's memory, its rows or its columns without gaps.

    >>> from pure_mlp._compile.graph import spec_of
    >>> fits(spec_of(torch.ones(2, 3).t())), fits(spec_of(torch.ones(2, 3, 2)[..., 0])), fits(spec_of(torch.ones(0, 3)))
    (True, False, False)
    """
    shape, stride, dtype, device = spec
    if len(shape) != 2 or dtype not in LETTER or device.type != "cpu" or 0 in shape:
        return False
    return (stride[1] == 1 and stride[0] >= shape[1]) or (stride[0] == 1 and stride[1] >= shape[0])


def gemm(out: Operand, a: Operand, b: Operand, alpha: object, beta: object) -> Arguments:
    """The arguments of `?gemm_` for out <- alpha a b + beta out; where beta is 0, what out holds is not read.

    out (m, n), a (m, k), b (k, n), of specs that `fits`; alpha and beta are addresses of numbers. Stored by rows, out is in BLAS's
    eyes the transpose of what is wanted, which is b^T a^T.

    >>> product, x, out = routine("sgemm_"), torch.tensor([[1.0, 2.0]]), torch.zeros(2, 2)
    >>> one, row = ctypes.byref(ctypes.c_float(1.0)), operand(x)
    >>> if product is not None:
    ...     product(*gemm(operand(out), row.t, row, one, one))
    >>> out if product else torch.tensor([[1.0, 2.0], [2.0, 4.0]])
    tensor([[1., 2.],
            [2., 4.]])
    """
    if out.layout[0] is _YES:
        out, a, b = out.t, b.t, a.t
    (_, lc), (ta, la), (tb, lb), (m, n) = out.layout, a.layout, b.layout, out.shape
    return ta, tb, integer(m), integer(n), integer(a.shape[1]), alpha, a.at, la, b.at, lb, beta, out.at, lc


def gemv(out: Operand, a: Operand, x: Operand, alpha: object, beta: object) -> Arguments:
    """The arguments of `?gemv_` for the vector out <- alpha a x + beta out; where beta is 0, what out holds is not read.

    out (m,), a (m, k) of a spec that `fits`, x (k,).

    >>> product, x, out = routine("sgemv_"), torch.tensor([1.0, 2.0]), torch.zeros(1)
    >>> one = ctypes.byref(ctypes.c_float(1.0))
    >>> if product is not None:
    ...     product(*gemv(operand(out), operand(x.view(1, 2)), operand(x), one, one))
    >>> out if product else torch.tensor([5.0])
    tensor([5.])
    """
    transposed, step = a.layout
    m, k = a.shape if transposed is _NO else a.shape[::-1]
    return transposed, integer(m), integer(k), alpha, a.at, step, x.at, integer(*x.stride), beta, out.at, integer(*out.stride)
