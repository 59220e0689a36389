"""MKL's own product for AVX-512. MKL takes it on Intel's processors; on others that have AVX-512 it takes the one for AVX2."""

from __future__ import annotations

import ctypes
import statistics
from functools import cache
from time import perf_counter

import torch
from torch import Generator, Tensor

from pure_mlp._compile.calls.blas import LETTER, REAL, Routine, gemm, operand, routine

_MKL = "Math Kernel Library Version 2024.2"
"""The MKL of torch's wheels: the symbol is not documented, so that it is called only where it was tried."""
_GAIN = 1.2
_ROUNDS = 15


@cache
def avx512(dtype: torch.dtype) -> Routine | None:
    """`mkl_blas_avx512_xsgemm` or `xdgemm`, which takes what `?gemm_` takes and has one thread.

    None where MKL is not of the version that was tried, the processor has no AVX-512, the values are wrong, or `?gemm_` is as fast,
    as it is where MKL takes this one by itself. Asked once a process, with matrices of 48 x 48, too small for a second thread.

    >>> avx512(torch.int64)
    """
    known = dtype in LETTER and _MKL in torch.__config__.show() and torch.backends.cpu.get_cpu_capability() == "AVX512"
    if not known:
        return None
    mine, theirs = (routine(name.format(LETTER[dtype])) for name in ("mkl_blas_avx512_x{}gemm", "{}gemm_"))
    if mine is None or theirs is None:
        return None
    generator = Generator().manual_seed(0)
    a, b = (torch.rand(48, 48, dtype=dtype, generator=generator) - 0.5 for _ in range(2))
    first, second = torch.zeros_like(a), torch.zeros_like(a)
    times = [(_seconds(mine, first, a, b), _seconds(theirs, second, a, b)) for _ in range(_ROUNDS)]
    right = torch.allclose(first, second, rtol=0.0, atol=1e-4 if dtype == torch.float32 else 1e-12)
    gain = statistics.median(t for _, t in times) / statistics.median(t for t, _ in times)
    return mine if right and gain > _GAIN else None


def _seconds(product: Routine, out: Tensor, a: Tensor, b: Tensor) -> float:
    number = REAL[out.dtype]
    arguments = gemm(operand(out), operand(a), operand(b), ctypes.byref(number(1.0)), ctypes.byref(number(0.0)))
    start = perf_counter()
    product(*arguments)
    return perf_counter() - start
