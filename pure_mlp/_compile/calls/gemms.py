"""Which matrix product: the BLAS that torch calls (MKL, OpenBLAS), MKL's kernel for AVX-512, or oneDNN."""

from __future__ import annotations

import ctypes
import statistics
from collections.abc import Callable
from functools import cache, partial
from time import perf_counter
from typing import Literal, TypeAlias

import torch
from torch import Generator, Tensor

from pure_mlp._compile.calls.avx512 import avx512
from pure_mlp._compile.calls.blas import LETTER, REAL, Routine, fits, gemm, operand, routine
from pure_mlp._compile.calls.onednn import Reference, makes, onednn
from pure_mlp._compile.graph import Spec

Kernel: TypeAlias = Literal["torch", "blas", "avx512", "onednn"]
"""Who multiplies: a call of torch's, or one of those below it."""

_FEWEST = 2**20
"""Floating-point operations, fewer of which are not timed: threads bring nothing, and a call of oneDNN costs more."""
_GAIN = 1.05
_SECONDS = 0.03
_ROUNDS = 7


def fastest(a: Spec, b: Spec, out: Spec, adds: bool) -> Kernel:
    """The fastest here for out <- a b, or out <- out + a b if it `adds`.

    Small products take the kernel for AVX-512 where that is faster than BLAS, else BLAS, whose values are torch's to the bit. From
    2^20 operations on all are timed, and to be taken instead of the one before one must be faster by a twentieth and right within
    1e-4; oneDNN, which allocates, comes last. That is once a process for each shapes, strides and number of threads, so that equal
    programs compute equal values in one process; two processes may choose differently, and then differ by rounding. What BLAS does
    not take is torch's.

    >>> from pure_mlp._compile.graph import spec_of
    >>> gaps = spec_of(torch.ones(2, 2, 2)[..., 0])
    >>> fastest(gaps, gaps, gaps, adds=False)
    'torch'
    """
    if not (fits(a) and fits(b) and fits(out)) or not a.dtype == b.dtype == out.dtype:
        return "torch"
    if 2 * a.shape[0] * a.shape[1] * b.shape[1] < _FEWEST:
        return "avx512" if kernel("avx512", a.dtype) else "blas" if kernel("blas", a.dtype) else "torch"
    return _measured(a, b, out, adds, torch.get_num_threads())


def kernel(name: Kernel, dtype: torch.dtype) -> Routine | None:
    """The subroutine for products of this dtype; None where there is none, and for torch and oneDNN, which are no subroutines.

    >>> kernel("torch", torch.float32)
    """
    if name == "avx512":
        return avx512(dtype)
    return routine(f"{LETTER[dtype]}gemm_") if name == "blas" else None


@cache
def _measured(a: Spec, b: Spec, out: Spec, adds: bool, threads: int) -> Kernel:
    generator = Generator().manual_seed(0)
    x, y = (_like(spec).copy_(torch.rand(spec.shape, generator=generator) - 0.5) for spec in (a, b))
    calls, results = _candidates(x, y, out, adds)
    start = perf_counter()
    times: dict[Kernel, list[float]] = {name: [_seconds(call)] for name, call in calls.items()}
    usual, right = next(iter(results.items()))
    for name, got in results.items():
        if not bool((got - right).abs().max() <= 1e-4 * right.abs().max()):
            del calls[name], times[name]
    while len(times[usual]) <= _ROUNDS and perf_counter() - start < _SECONDS:
        for name, call in calls.items():
            times[name].append(_seconds(call))
    medians: dict[Kernel, float] = {name: statistics.median(mine[1:] or mine) for name, mine in times.items()}
    chosen = usual
    for name, seconds in medians.items():
        chosen = name if medians[chosen] > _GAIN * seconds else chosen
    return chosen


def _candidates(x: Tensor, y: Tensor, spec: Spec, adds: bool) -> tuple[dict[Kernel, Callable[[], object]], dict[Kernel, Tensor]]:
    """What can be called, the usual one first, and where each writes."""
    outs: dict[Kernel, Tensor] = {}
    calls: dict[Kernel, Callable[[], object]] = {}
    beta = ctypes.byref(REAL[x.dtype](float(adds)))
    one = ctypes.byref(REAL[x.dtype](1.0))
    for name in ("blas", "avx512"):
        product, out = kernel(name, x.dtype), _like(spec)
        if product is not None:
            calls[name], outs[name] = partial(product, *gemm(operand(out), operand(x), operand(y), one, beta)), out
    if not calls:
        outs["torch"] = _like(spec)
        calls["torch"] = partial(outs["torch"].addmm_, x, y, beta=float(adds))
    product = onednn()
    if product is not None and x.dtype == torch.float32 and makes(x, y):
        outs["onednn"] = _like(spec)
        calls["onednn"] = partial(product, Reference(x), Reference(y), Reference(outs["onednn"]), float(adds), 1.0)
    return calls, outs


def _like(spec: Spec) -> Tensor:
    return torch.empty_strided(spec.shape, spec.stride, dtype=spec.dtype).zero_()


def _seconds(f: Callable[[], object]) -> float:
    start = perf_counter()
    f()
    return perf_counter() - start
