"""What is measured on: the processor, how much of it torch may use, versions, the day."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CAPABILITIES = ("native", "default", "avx2")
_LIMITS = {
    "ATEN_CPU_CAPABILITY": {"default": "default", "avx2": "avx2"},
    "MKL_ENABLE_INSTRUCTIONS": {"default": "SSE4_2", "avx2": "AVX2"},
    "ONEDNN_MAX_CPU_ISA": {"default": "SSE41", "avx2": "AVX2"},
    "OPENBLAS_CORETYPE": {"default": "Nehalem", "avx2": "Haswell"},
    "XLA_FLAGS": {"default": "--xla_cpu_max_isa=SSE4_2", "avx2": "--xla_cpu_max_isa=AVX2"},
}
"""The variables by which torch, the libraries of products below it, numpy's and jax take a limit."""


def limits(capability: str) -> dict[str, str]:
    """The variables that hold a process to these instructions; none for `native`: what the processor and the environment allow.

    The native engine compiles for what ATen says. jax limits what it compiles, not the products that it calls.
    """
    return {variable: values[capability] for variable, values in _LIMITS.items() if capability in values}


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """The environment with these variables, as it was before afterwards."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def cpuinfo(key: str) -> str:
    """What Linux says of the first processor; nothing elsewhere."""
    file = Path("/proc/cpuinfo")
    found = [line.partition(":") for line in file.read_text().splitlines()] if file.exists() else []
    return next((value.strip() for name, _, value in found if name.strip() == key), "")


def described() -> str:
    """One line for the head of a table."""
    versions = []
    for package in ("torch", "numpy", "jax"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"no {package}")
    widest = next((name for name in ("avx512f", "avx2", "sse2") if name in cpuinfo("flags").split()), platform.machine())
    processor = cpuinfo("model name") or platform.processor()
    python = f"Python {platform.python_version()}"
    return f"{date.today()}, {processor} ({widest}), {os.cpu_count()} cores; {python}, {', '.join(versions)}"
