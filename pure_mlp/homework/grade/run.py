"""Running files of strangers: each in its own process, folder and environment, within limits. This is no sandbox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import attrs
import torch

from pure_mlp.homework.grade import probe
from pure_mlp.homework.grade.cases import loss_cases, net_cases
from pure_mlp.homework.grade.judge import Report, judge


@attrs.frozen
class Limits:
    """Of one file: seconds by the clock and of the processor, megabytes of memory, megabytes in any file that it writes."""

    seconds: int = 60
    memory: int = 4096
    written: int = 64


def grade(
    paths: Sequence[Path],
    limits: Limits = Limits(),
    jobs: int | None = None,
    observer: Callable[[Report], None] = lambda report: None,
) -> list[Report]:
    """A report a file, in the order of `paths`; `jobs` files at a time; `observer` is told of each as it is done.

    `jobs` is the number of processors if not given. A file that cannot be read or run is a report with a `failure`.

    >>> [report.failure.split(":")[0] for report in grade([Path("no such folder", "mlp.py")])]
    ['cannot be read']
    """

    def one(path: Path) -> Report:
        report = _grade_file(path, limits)
        observer(report)
        return report

    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        return list(pool.map(one, paths))


def _grade_file(path: Path, limits: Limits = Limits()) -> Report:
    """The report on one file, run in its own process. Whatever it does there costs this report alone."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Report(str(path), failure=f"cannot be read: {error}")
    nets, losses = net_cases(), loss_cases()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shutil.copyfile(path, Path(folder, "mlp.py"))
        torch.save(([tuple(case) for case in nets], [tuple(case) for case in losses]), Path(folder, "cases.pt"))
        if failure := _run_probe(folder, limits):
            return Report(str(path), failure=failure)
        try:
            seen = _read(Path(folder, "observed.pt"), limits)
        except (OSError, ValueError, RuntimeError, EOFError) as error:
            return Report(str(path), failure=str(error).splitlines()[0])
    try:
        return judge(str(path), source, seen, nets, losses)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        return Report(str(path), failure=f"left no usable result: {type(error).__name__} {error}")


def _run_probe(folder: str, limits: Limits) -> str:
    """Run the probe on `folder`; why it failed, or nothing. Every process of its group is dead afterwards."""
    command = [sys.executable, "-I", probe.__file__, str(limits.seconds), str(limits.memory), str(limits.written)]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"OMP_NUM_THREADS": "1", "HOME": folder, "TMPDIR": folder},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(limits.seconds)
    except subprocess.TimeoutExpired:
        return f"still running after {limits.seconds} s"
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if code < 0:
        return f"ended by signal {signal.Signals(-code).name}"
    return "" if Path(folder, "observed.pt").is_file() else f"ended the process with exit code {code}"


def _read(path: Path, limits: Limits) -> dict[str, Any]:
    """What the probe wrote. Raises `ValueError` for a file too large or not of its kind."""
    if path.stat().st_size > limits.written << 20:
        raise ValueError(f"a result of {path.stat().st_size} bytes")
    try:
        seen = torch.load(path, weights_only=True)
    except UnpicklingError as error:
        raise ValueError("left no usable result") from error
    if not isinstance(seen, dict):
        raise ValueError("left no usable result")
    return seen
