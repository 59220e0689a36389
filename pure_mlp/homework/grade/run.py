"""Running files of strangers: each in its own process, folder and environment, within limits. This is no sandbox."""

from __future__ import annotations

import io
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import cast

import attrs
import torch

from pure_mlp.homework.grade.cases import loss_cases, net_cases
from pure_mlp.homework.grade.judge import Report, judge
from pure_mlp.homework.grade.probe.seen import Observed

LARGEST = 1 << 20
"""Bytes of a source, and elements of a result, beyond which nothing is looked at."""

START = "import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('probe', run_name='__main__')"


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
        source = _source(path)
    except (OSError, ValueError) as error:
        return Report(str(path), failure=f"cannot be read: {error}")
    nets, losses, answer = net_cases(), loss_cases(), secrets.token_hex()
    told = io.BytesIO()
    torch.save((answer, [attrs.astuple(c, recurse=False) for c in nets], [attrs.astuple(c, recurse=False) for c in losses]), told)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder, "mlp.py").write_bytes(source)
        try:
            if failure := _run_probe(folder, told.getvalue(), limits):
                return Report(str(path), failure=failure)
            return judge(str(path), source, _read(Path(folder, answer), limits), nets, losses)
        except FileNotFoundError:
            return Report(str(path), failure="ended the process before all was computed, or removed its folder")
        except (OSError, LookupError, TypeError, AttributeError, ValueError, RuntimeError, EOFError) as error:
            return Report(str(path), failure=f"left no usable result: {type(error).__name__} {str(error).splitlines()[:1]}")


def _source(path: Path) -> bytes:
    """What the file holds. Raises `ValueError` if it is not an ordinary file of moderate size, `OSError` if it cannot be read."""
    if not path.is_file():
        raise ValueError("no such file" if not path.exists() else "not an ordinary file")
    with path.open("rb") as file:
        source = file.read(LARGEST + 1)
    if len(source) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    return source


def _run_probe(folder: str, told: bytes, limits: Limits) -> str:
    """Run the probe on `folder`; why it failed, or nothing. Every process of its group is dead afterwards."""
    here = str(Path(__file__).parent)
    command = [sys.executable, "-I", "-c", START, here, str(limits.seconds), str(limits.memory), str(limits.written)]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"OMP_NUM_THREADS": "1", "HOME": folder, "TMPDIR": folder},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.communicate(told, limits.seconds)
    except subprocess.TimeoutExpired:
        return f"still running after {limits.seconds} s"
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    code = process.returncode
    return (
        f"ended by signal {signal.Signals(-code).name}" if code < 0 else f"ended the process with exit code {code}" if code else ""
    )


def _read(path: Path, limits: Limits) -> Observed:
    """What the probe wrote. Raises `ValueError` for a file too large or not of its kind, `OSError` for none."""
    if path.stat().st_size > limits.written << 20:
        raise ValueError(f"a result of {path.stat().st_size} bytes")
    try:
        seen = torch.load(path, weights_only=True)
    except UnpicklingError as error:
        raise ValueError("not what the probe writes") from error
    if not isinstance(seen, dict):
        raise ValueError("not what the probe writes")
    return cast(Observed, seen)
