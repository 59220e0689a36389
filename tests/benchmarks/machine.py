"""What is measured on: the processor, how much of it torch may use, versions, the day."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CAPABILITIES = ("native", "default", "avx2")


def restrict(capability: str) -> None:
    """Let ATen's kernels in the processes to come use this at most; `native`: what the processor has.

    Products by BLAS, compiled C, numpy and jax go on choosing for the processor that is there.
    """
    if capability == "native":
        os.environ.pop("ATEN_CPU_CAPABILITY", None)
    else:
        os.environ["ATEN_CPU_CAPABILITY"] = capability


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
