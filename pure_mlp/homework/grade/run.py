"""Running files of strangers: each in its own process, folder and environment, within limits. This is no sandbox."""

from __future__ import annotations

import io
import os
import re
import secrets
import signal
import site
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, cast

import attrs
import torch

from pure_mlp.homework.grade.cases import loss_cases, net_cases
from pure_mlp.homework.grade.judge import Report, judge
from pure_mlp.homework.grade.probe.seen import Observed

LARGEST = 1 << 20
"""Bytes of a source beyond which nothing is looked at."""

PATIENCE = 10.0
"""Seconds that the guard of a file has to end what the file started."""

Observer = Callable[[Report], None]

START = "import sys, runpy; sys.path[:1] = [sys.argv.pop(1)]; runpy.run_module('probe', run_name='__main__')"
"""In the place of the working folder, which `python -c` looks into first, the folder of the probe."""


@attrs.frozen
class Limits:
    """Of one file: seconds by the clock and of the processor, megabytes of memory, megabytes in any file that it writes."""

    seconds: int = 60
    memory: int = 4096
    written: int = 64


def grading(
    paths: Sequence[Path],
    limits: Limits = Limits(),
    jobs: int | None = None,
    only: str = "",
    observer: Observer = lambda report: None,
) -> Generator[Report, None, None]:
    """A report a file, in the order of `paths`, each as soon as it and those before it are done; `jobs` files at a time.

    `jobs` is the number of processors if not given, `only` one of the parts that `judge` can look at alone; `observer` is told of
    each report as it is done. A file that cannot be read or run is a report with a `failure`. Closing the iterator ends what runs.

    >>> [report.failure.split(":")[0] for report in grading([Path("no such folder", "mlp.py")])]
    ['cannot be read']
    """
    running: set[subprocess.Popen[bytes]] = set()

    def one(path: Path) -> Report:
        report = grade_file(path, limits, only, running)
        observer(report)
        return report

    pool = ThreadPoolExecutor(jobs or os.cpu_count() or 1)
    try:
        yield from pool.map(one, paths)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in [*running]:
            _end(process)
        pool.shutdown()


def grade(paths: Sequence[Path], limits: Limits = Limits(), jobs: int | None = None) -> list[Report]:
    """All the reports of `grading`.

    >>> grade([])
    []
    """
    return [*grading(paths, limits, jobs)]


def grade_file(path: Path, limits: Limits, only: str = "", running: set[subprocess.Popen[bytes]] | None = None) -> Report:
    """The report on one file, run in its own process, which is in `running` while it runs. What it does costs this report alone.

    >>> grade_file(Path("missing.py"), Limits()).failure
    'cannot be read: no such file'
    """
    try:
        source = _source(path)
    except (OSError, ValueError) as error:
        return Report(str(path), failure=f"cannot be read: {error}")
    nets, losses, answer = net_cases(), loss_cases(), secrets.token_hex()
    question = io.BytesIO()
    torch.save((answer, [case.given for case in nets], [(case.y, case.y_hat) for case in losses]), question)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tempfile.TemporaryFile() as told:
        told.write(question.getvalue())
        told.seek(0)
        Path(folder, "mlp.py").write_bytes(source)
        try:
            if failure := _run_probe(folder, told, limits, set() if running is None else running):
                place = last_place(Path(folder, f"{answer}.stack")) if failure.startswith("still running") else ""
                return Report(str(path), failure=failure + place)
            return judge(str(path), source, _read(Path(folder, answer), limits), nets, losses, only)
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


def _run_probe(folder: str, told: IO[bytes], limits: Limits, running: set[subprocess.Popen[bytes]]) -> str:
    """Run the probe on `folder`; why it failed, or nothing. Every process that it started is ended afterwards."""
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", START, here, str(limits.seconds), str(limits.memory), str(limits.written)]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"OMP_NUM_THREADS": "1", "HOME": folder, "TMPDIR": folder} | places(),
        stdin=told,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    running.add(process)
    try:
        code = process.wait(limits.seconds)
    except subprocess.TimeoutExpired:
        return f"still running after {limits.seconds} s"
    finally:
        _end(process)
        running.discard(process)
    if code < 0 or code > 128:
        return f"ended by signal {signal.Signals(-code if code < 0 else code - 128).name}"
    return f"ended the process with exit code {code}" if code else ""


def places() -> dict[str, str]:
    """Where this process finds packages, for one that is started in another folder, with another home.

    >>> {*places()} <= {"PYTHONPATH", "PYTHONUSERBASE"}
    True
    """
    found: dict[str, str] = {}
    if not sys.flags.ignore_environment and (listed := os.environ.get("PYTHONPATH")):
        found["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, listed.split(os.pathsep)))
    if site.ENABLE_USER_SITE:
        found["PYTHONUSERBASE"] = site.getuserbase()
    return found


def last_place(stack: Path) -> str:
    """Where a file was when it was last looked at: which of its functions had been called, and the line; or nothing.

    >>> last_place(Path("no such file"))
    ''
    """
    try:
        with stack.open("rb") as file:
            frames = re.findall(r'File ".*mlp\.py", line (\d+) in (.+)', file.read(LARGEST).decode().rpartition("Timeout (")[2])
    except (OSError, ValueError):
        return ""
    return f", in {frames[-1][1].replace('<module>', 'its import')}, line {frames[0][0]}" if frames else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the guard to end all that the file started, and end it too if it does not in a while."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


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
