"""Which matrix product: torch's (MKL or OpenBLAS) or oneDNN's. Neither is the faster one everywhere, so both are timed."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import cache, partial
from time import perf_counter

import torch
from torch import Generator, Tensor

from pure_mlp.plan.graph import Spec
from pure_mlp.plan.onednn import Reference, makes, onednn

_FEWEST = 2**20
"""Floating-point operations below which a call of oneDNN costs more than the product."""
_GAIN = 1.05
_SECONDS = 0.03
_ROUNDS = 7


def faster(a: Spec, b: Spec, out: Spec, adds: bool) -> bool:
    """Whether oneDNN is faster by a twentieth here, for out <- a b, or out <- out + a b if it `adds`, and right within 1e-4.

    Measured once a process for each shapes, strides and number of threads, so that equal programs compute equal values in one
    process; two processes may choose differently, and then differ by rounding.

    >>> from pure_mlp.plan.graph import spec_of
    >>> small = spec_of(torch.ones(2, 2))
    >>> faster(small, small, small, adds=False)
    False
    """
    work = 2 * a.shape[0] * a.shape[1] * b.shape[1]
    if work < _FEWEST or not (fits(a) and fits(b) and fits(out)) or onednn() is None:
        return False
    return _measured(a, b, out, adds, torch.get_num_threads())


def fits(spec: Spec) -> bool:
    """Whether oneDNN takes such a tensor: a matrix of float32 in the processor's memory, its rows or its columns without gaps.

    >>> from pure_mlp.plan.graph import spec_of
    >>> fits(spec_of(torch.ones(2, 3).t())), fits(spec_of(torch.ones(2, 3, 2)[..., 0])), fits(spec_of(torch.ones(0, 3)))
    (True, False, False)
    """
    shape, stride, dtype, device = spec
    if len(shape) != 2 or dtype != torch.float32 or device.type != "cpu" or 0 in shape:
        return False
    return (stride[1] == 1 and stride[0] >= shape[1]) or (stride[0] == 1 and stride[1] >= shape[0])


@cache
def _measured(a: Spec, b: Spec, out: Spec, adds: bool, threads: int) -> bool:
    generator = Generator().manual_seed(0)
    x, y = (_like(spec).copy_(torch.rand(spec.shape, generator=generator) - 0.5) for spec in (a, b))
    mine, theirs, product = _like(out), _like(out), onednn()
    if product is None or not makes(x, y):
        return False
    torchs = partial(theirs.addmm_, x, y) if adds else partial(torch.addmm, theirs, x, y, beta=0, out=theirs)
    onednns = partial(product, Reference(x), Reference(y), Reference(mine), float(adds), 1.0)
    start, times = perf_counter(), [(_seconds(torchs), _seconds(onednns))]
    if not bool((mine - theirs).abs().max() <= 1e-4 * theirs.abs().max()):
        return False
    while len(times) <= _ROUNDS and perf_counter() - start < _SECONDS:
        times.append((_seconds(torchs), _seconds(onednns)))
    later = times[1:] or times
    return statistics.median(t for t, _ in later) > _GAIN * statistics.median(t for _, t in later)


def _like(spec: Spec) -> Tensor:
    return torch.empty_strided(spec.shape, spec.stride, dtype=spec.dtype).zero_()


def _seconds(f: Callable[[], object]) -> float:
    start = perf_counter()
    f()
    return perf_counter() - start
