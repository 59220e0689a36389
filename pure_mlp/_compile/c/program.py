"""A lowered step as a program in C."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pure_mlp._compile.c.arrays import Memory, arrays_of
from pure_mlp._compile.c.compiler import load
from pure_mlp._compile.c.source import Source, source_of
from pure_mlp._compile.lowered import Lowered
from pure_mlp._compile.program import Program


class _Compiled(NamedTuple):
    """The functions of a library, the address of the table they take, and all that must live as long."""

    source: str
    step: Callable[..., float]
    steps: Callable[..., int]
    table: int
    status: array[float]
    seconds: float
    keep: object


def native(lowered: Lowered, counts: array[float]) -> Program:
    """The step compiled. counts are the numbers of the carry, which a step reads and writes.

    Where products are large, the fastest of up to three programs: with products of its own, with calls of the
    BLAS that torch carries, and with MKL's kernel for AVX-512 in its place. Raises `Unplannable` where there is
    no C compiler, or no C for an operation.

    >>> from pure_mlp._compile.c.compiler import compiler
    >>> from pure_mlp._compile.plan import plan
    >>> if compiler():
    ...     planned = plan(lambda w, x: (w - 0.5 * x, (w * x).sum()), torch.ones(2), torch.ones(2), engine="native")
    ...     assert planned.step(torch.ones(2)) == 2.0 and planned.engine == "native"
    """
    memory, dtype = arrays_of(lowered), lowered.outputs[-1].like.dtype
    chosen = _compiled(lowered, memory, counts, source_of(lowered, memory, blas=False))
    seconds = chosen.seconds

    def failed() -> None:
        code, chosen.status[0] = int(chosen.status[0]), 0.0
        if code != 3:
            raise RuntimeError(f"the program ends with code {code}")

    def chunk(batches: Sequence[Sequence[Tensor]]) -> Tensor:
        pointers = array("Q", [t.data_ptr() for batch in batches for t in batch])
        losses = torch.empty(len(batches), dtype=dtype)
        done = chosen.steps(chosen.table, len(batches), pointers.buffer_info()[0], losses.data_ptr())
        return losses[:done]

    cells = {"keep": chosen, "step": chosen.step, "mem": chosen.table, "status": chosen.status, "failed": failed}
    run, fits = _guarded(memory, cells)
    return Program(run, chosen.source, lowered.places.buffers, dtype, "native", seconds, fits, chunk)


def _compiled(lowered: Lowered, memory: Memory, counts: array[float], source: Source) -> _Compiled:
    library, seconds = load(source.text)
    status, held = array("d", [0.0]), [memory.tensors[name] for name in source.names]
    entries = [counts.buffer_info()[0], status.buffer_info()[0], *(t.untyped_storage().data_ptr() for t in held)]
    table = (ctypes.c_void_p * len(entries))(*entries)
    step, steps = library.step, library.steps
    step.restype, step.argtypes = ctypes.c_double, [ctypes.c_void_p] * (1 + len(memory.batch))
    steps.restype, steps.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    return _Compiled(source.text, step, steps, ctypes.addressof(table), status, seconds, (table, held, counts, library))


def _guarded(memory: Memory, cells: dict[str, object]) -> tuple[Callable[..., float | None], Callable[..., bool]]:
    """The step for tensors of the right specs, None for others; and whether they are."""
    tests = []
    for x, node in zip(memory.names, memory.batch):
        cells |= {f"{x}_{k}": v for k, v in zip(("shape", "stride", "dtype"), node.like[:3])}
        same = f"{x}.shape == {x}_shape and {x}.stride() == {x}_stride and {x}.dtype is {x}_dtype"
        tests.append(f"{same} and {x}.is_cpu and not {x}.is_neg() and (({x}_ptr := {x}.data_ptr()) or not {x}.numel())")
    names, pointers = ", ".join(memory.names), "".join(f", {x}_ptr" for x in memory.names)
    fits = " and ".join(tests) or "True"
    text = f"""
def make({", ".join(cells)}):
    def fits({names}):
        return {fits}
    def run({names}):
        if not ({fits}):
            return None
        loss = step(mem{pointers})
        if loss != loss and status[0]:
            return failed()
        return loss
    run.keep = keep  # the memory that the table points to
    return run, fits
"""
    scope: dict[str, Callable[..., tuple[Callable[..., float | None], Callable[..., bool]]]] = {}
    exec(text, scope)
    return scope["make"](**cells)
