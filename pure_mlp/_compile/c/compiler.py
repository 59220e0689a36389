"""C into a loaded library: the compiler that is there, and a folder of what it made before."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import time
from ctypes import CDLL
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pure_mlp._compile.graph import Unplannable

_FLAGS = ("-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fno-strict-aliasing", "-fopenmp-simd", "-shared", "-fPIC")
_NATIVE = "-march=native"


class Library(NamedTuple):
    """A loaded library, and the seconds that compiling it took: 0 if it came from the folder."""

    code: CDLL
    seconds: float


def compiler() -> list[str] | None:
    """The command of the C compiler: `$CC`, else cc, gcc or clang; None if there is none.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, {"CC": "no-such-compiler"}):
    ...     compiler() is None
    True
    """
    wanted = shlex.split(os.environ.get("CC", ""))
    for command in [wanted] if wanted else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    return None


def folder() -> Path:
    """Where libraries are kept: `pure_mlp` under `$XDG_CACHE_HOME`, or under ~/.cache.

    >>> folder().name
    'pure_mlp'
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pure_mlp"


def load(source: str) -> Library:
    """The library of a C source: compiled now, or found in the folder if the same compiler made it for the same
    processor.

    A folder that cannot be written is done without. Raises `Unplannable` without a compiler, or with what it
    complains about.

    >>> load("int answer(void) { return 42; }").code.answer() if compiler() else 42
    42
    """
    command = compiler()
    if command is None:
        raise Unplannable("native: no C compiler: neither $CC nor cc, gcc or clang")
    key = hashlib.sha256("\0".join((source, *command, *_FLAGS, _version(tuple(command)), _processor())).encode()).hexdigest()
    kept = folder() / f"{key[:32]}.so"
    if kept.exists():
        try:
            return Library(CDLL(str(kept)), 0.0)
        except OSError:  # half a file, or one for another machine: make it anew
            kept.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        made = _compile(command, source, Path(scratch))
        seconds = time.perf_counter() - start
        _keep(made, kept)
        return Library(CDLL(str(made)), seconds)


def _compile(command: list[str], source: str, scratch: Path) -> Path:
    text, made = scratch / "step.c", scratch / "step.so"
    text.write_text(source)
    errors = []
    for flags in ((*_FLAGS, _NATIVE), _FLAGS):  # not every compiler knows the processor
        done = subprocess.run([*command, *flags, str(text), "-o", str(made), "-lm"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return made
        errors += [line for line in done.stderr.splitlines() if "error" in line] or [f"exit status {done.returncode}"]
    raise Unplannable(f"native: {shlex.join(command)}: {errors[0]}")


def _keep(made: Path, kept: Path) -> None:
    """Copy into the folder at one stroke, so that others see a whole file or none; if it cannot be written,
    leave it.
    """
    with contextlib.suppress(OSError):
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as beside:
            os.replace(shutil.copy(made, beside), kept)


@cache
def _version(command: tuple[str, ...]) -> str:
    return subprocess.run([*command, "--version"], capture_output=True, text=True, check=False).stdout


@cache
def _processor() -> str:
    """What -march=native depends on: machines of several kinds may share the folder."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    kinds = {line for line in lines if line.startswith(("model", "flags", "Features"))}
    return "\n".join([platform.machine(), platform.processor(), *sorted(kinds)])
