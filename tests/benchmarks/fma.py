"""The runtime fma: as many multiply-adds as the matrix products of a step need, in registers, by compiled C: the peak."""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from .machine import cpuinfo
from .task import BATCHES, Peer, Task

CHAINS = 12
"""Independent sums: enough to hide a latency of 4 or 5 cycles on two units, few enough for 16 registers."""


def load(task: Task) -> Task:
    """There is nothing to read."""
    return task


def width() -> tuple[int, list[str]]:
    """Floats in a register, and the compiler's flags: what the environment asks for, at most what the processor has."""
    flags, asked = cpuinfo("flags").split(), os.environ.get("ATEN_CPU_CAPABILITY", "")
    if asked == "default" or "fma" not in flags:
        return 4, []
    if asked == "avx2" or "avx512f" not in flags:
        return 8, ["-mavx2", "-mfma"]
    return 16, ["-mavx512f", "-mprefer-vector-width=512"]


def source(floats: int) -> str:
    """`run(n)`: n rounds of a multiply-add in each chain."""
    chains = range(CHAINS)
    return "\n".join(
        [
            f"typedef float v __attribute__((vector_size({4 * floats})));",
            "float run(long n, float s) {",
            f"  v a = (v){{0}} + s, b = (v){{0}} + (1 - s), {', '.join(f'c{i} = (v){{0}} + {i}' for i in chains)};",
            f"  for (long k = 0; k < n; k++) {{ {' '.join(f'c{i} = c{i} * a + b;' for i in chains)} }}",
            f"  v c = {' + '.join(f'c{i}' for i in chains)};",
            "  return c[0];",
            "}",
        ]
    )


def compiled(floats: int, flags: list[str]) -> ctypes.CDLL:
    """The loop as a library. Raises `LookupError` where it cannot be compiled."""
    with tempfile.TemporaryDirectory() as folder:
        c, so = Path(folder) / "fma.c", Path(folder) / "fma.so"
        c.write_text(source(floats))
        command = [*shlex.split(os.environ.get("CC", "cc")), "-O2", "-ffp-contract=fast", *flags, "-shared", "-fPIC", "-o"]
        try:
            subprocess.run([*command, str(so), str(c)], check=True, capture_output=True)
            return ctypes.CDLL(str(so))
        except (OSError, subprocess.CalledProcessError) as error:
            raise LookupError(f"no C compiler for the loop: {error}") from error


def peak(task: Task) -> Peer:
    """The step's multiply-adds on all its threads; `ctypes` lets go of Python while C runs."""
    floats, flags = width()
    run = compiled(floats, flags).run
    run.argtypes, run.restype = (ctypes.c_long, ctypes.c_float), ctypes.c_float
    rounds = -(-task.multiply_adds() // (CHAINS * floats * task.threads))
    if task.threads == 1:
        return Peer(lambda _: run(rounds, 0.999), [()] * BATCHES, None)
    pool = ThreadPoolExecutor(task.threads)
    return Peer(lambda _: wait([pool.submit(run, rounds, 0.999) for _ in range(task.threads)]), [()] * BATCHES, None)


PEERS = {"fma": peak}
