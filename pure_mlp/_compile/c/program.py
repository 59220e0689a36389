"""A lowered step as a program in C, loaded and called."""

from __future__ import annotations

import ctypes
import os
from array import array
from collections.abc import Callable

import torch
from torch import Tensor

from pure_mlp._compile.c.arrays import Memory, arrays_of
from pure_mlp._compile.c.compiler import load, rows_in_registers
from pure_mlp._compile.c.source import source_of
from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.lowered import Lowered
from pure_mlp._compile.program import Program

Guarded = tuple[Callable[..., float | None], Callable[..., bool]]


def native(lowered: Lowered, counts: array[float]) -> Program:
    """Compile the step. counts are the numbers of the carry, which a step reads and writes.

    Raises `Unplannable` where there is no C compiler that works, or no C for an operation.
    """
    memory, dtype = arrays_of(lowered), lowered.outputs[-1].like.dtype
    if dtype == torch.int64:
        raise Unplannable("native: a loss of whole numbers is no float")
    source = source_of(lowered, memory, rows_in_registers())
    library, seconds = load(source.text)
    threads, scratch = array("q", [1]), torch.empty(source.bytes + 64, dtype=torch.uint8)
    parent = os.getpid()

    def several() -> int:
        return torch.get_num_threads() if os.getpid() == parent else 1  # the pool of threads does not survive a fork

    held = [memory.tensors[name] for name in source.names]
    places = [counts.buffer_info()[0], threads.buffer_info()[0], -(-scratch.data_ptr() // 64) * 64]
    table = (ctypes.c_void_p * (len(held) + 3))(*places, *(t.untyped_storage().data_ptr() for t in held))
    step, steps = library.step, library.steps
    step.restype, step.argtypes = ctypes.c_int, [ctypes.c_void_p] * (2 + len(memory.batch))
    steps.restype, steps.argtypes = ctypes.c_long, [ctypes.c_void_p, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def chunk(pointers: int, count: int) -> Tensor:
        threads[0] = several()
        losses = torch.empty(count, dtype=dtype)
        done: int = steps(table, count, pointers, losses.data_ptr())
        return losses[:done]

    loss = ctypes.c_double()
    cells = {"step": step, "mem": table, "loss": loss, "at": ctypes.addressof(loss), "Tensor": Tensor}
    cells |= {"threads": threads, "several": several, "keep": (held, counts, scratch, library)}
    run, fits = _guarded(memory, cells, shared=bool(source.bytes))
    return Program(run, source.text, [*lowered.places.buffers, scratch], dtype, "native", seconds, fits, chunk)


def _guarded(memory: Memory, cells: dict[str, object], *, shared: bool) -> Guarded:
    """Two functions of the batch's tensors: the step, None for tensors of other specs and where C declines; and
    whether the specs fit.
    """
    tests = []
    for x, node in zip(memory.names, memory.batch):
        cells |= {f"{x}_{k}": v for k, v in zip(("shape", "stride", "dtype"), node.like[:3])}
        same = f"{x}.shape == {x}_shape and {x}.stride() == {x}_stride and {x}.dtype is {x}_dtype"
        plain = f"type({x}) is Tensor and {x}.is_cpu and not {x}.is_neg()"
        tests.append(f"{plain} and {same} and (({x}_ptr := {x}.data_ptr()) or not {x}.numel())")
    names, pointers = ", ".join(memory.names), "".join(f", {x}_ptr" for x in memory.names)
    fits = " and ".join(tests) or "True"
    text = f"""
def make({", ".join(cells)}):
    def fits({names}):
        return {fits}
    def run({names}):
        if not ({fits}):
            return None
        {"threads[0] = several()" if shared else ""}
        if step(mem, at{pointers}):
            return None
        return loss.value
    run.keep = keep  # the memory that the table points to
    return run, fits
"""
    scope: dict[str, Callable[..., Guarded]] = {}
    exec(text, scope)
    return scope["make"](**cells)
