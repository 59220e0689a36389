"""Compile C and load it; a folder keeps what was compiled before.

An error of the compiler or of the operating system is raised as `Unplannable`, and the step runs without C.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from ctypes import CDLL
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch

from pure_mlp._compile.graph import Unplannable

_FLAGS = ("-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fno-strict-aliasing", "-shared", "-fPIC")
_AVX2 = ("-mavx2", "-mfma")
_AVX512 = (*_AVX2, "-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mprefer-vector-width=512")
_PROCESSORS = {"AVX2": _AVX2, "AVX512": _AVX512}
_SECONDS = 300


class Library(NamedTuple):
    """A loaded library, and the seconds that compiling it took: 0 if it came from the folder."""

    code: CDLL
    seconds: float


def capability() -> str:
    """The instruction set that torch detected: under an emulator, the compiler may detect another one."""
    return torch.backends.cpu.get_cpu_capability()


def rows_in_registers() -> int:
    """How many rows of a product, each of two vectors, fit into the registers."""
    return 12 if capability() == "AVX512" else 6


def compiler() -> list[str] | None:
    """The command of the C compiler: `$CC`, else cc, gcc or clang; None if there is none."""
    wanted = _words("CC")
    for command in [wanted] if wanted else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    return None


def folder() -> Path | None:
    """Where libraries are kept: `pure_mlp` under `$XDG_CACHE_HOME`, or under ~/.cache; None where there is no home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pure_mlp"
    except RuntimeError:
        return None


def load(source: str) -> Library:
    """The library of a C source: compiled now, or found in the folder if the same compiler made it for the same kind of processor.

    Works without the folder if that cannot be used. Raises `Unplannable` without a compiler that works.
    """
    command = compiler()
    if command is None:
        raise Unplannable("native: no C compiler: neither $CC nor cc, gcc or clang can be run")
    flags = [*_FLAGS, *_PROCESSORS.get(capability(), ()), *_words("CFLAGS")]
    parts = (source, *command, *flags, _version(tuple(command)), capability(), platform.machine())
    home = folder()
    kept = home / f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}.so" if home else None
    found = _loaded(kept)
    if found is not None:
        return Library(found, 0.0)
    start = time.perf_counter()
    for scratch in _scratch(home):
        made = _compile(command, flags, source, scratch)
        seconds = time.perf_counter() - start
        if kept is not None:
            _keep(made, kept)
        with contextlib.suppress(OSError):
            return Library(CDLL(str(made)), seconds)
        found = _loaded(kept)  # the temporary folder may be mounted noexec
        if found is not None:
            return Library(found, seconds)
    raise Unplannable("native: what the compiler makes cannot be loaded, or there is no folder to put it in")


def _words(variable: str) -> list[str]:
    """The words of an environment variable."""
    try:
        return shlex.split(os.environ.get(variable, ""))
    except ValueError as error:
        raise Unplannable(f"native: ${variable}: {error}") from error


def _scratch(home: Path | None) -> Iterator[Path]:
    """Folders to compile in: a temporary one, and one beside the kept libraries."""
    for parent in (None, home):
        try:
            with tempfile.TemporaryDirectory(dir=parent) as scratch:
                yield Path(scratch)
        except OSError:
            continue


def _compile(command: list[str], flags: list[str], source: str, scratch: Path) -> Path:
    text, made = scratch / "step.c", scratch / "step.so"
    text.write_text(source)
    error = ""
    for more in _threads(command):
        arguments = [*command, *flags, *more, str(text), "-o", str(made), "-lm"]
        try:
            done = _run(arguments)
        except (OSError, subprocess.SubprocessError, ValueError) as refusal:
            raise Unplannable(f"native: {shlex.join(command)}: {refusal}") from refusal
        if done.returncode == 0 and made.exists():
            return made
        lines = [line for line in done.stderr.splitlines() if "error" in line]
        error = error or (lines[0] if lines else f"exit status {done.returncode}")
    raise Unplannable(f"native: {shlex.join(command)}: {error}")


def _threads(command: list[str]) -> list[tuple[str, ...]]:
    """The flags to try: with threads, if both the compiler and torch use GNU's OpenMP and so share one pool; then
    without.

    Other OpenMP libraries are not mixed: two copies of LLVM's abort the process.
    """
    room = Path(torch.__file__).parent
    gnu = any(room.glob("lib/libgomp*")) or any(room.parent.glob("torch.libs/libgomp*"))
    several = [("-fopenmp",)] if gnu and "Free Software Foundation" in _version(tuple(command)) else []
    return [*several, ("-fopenmp-simd",), ()]


def _loaded(kept: Path | None) -> CDLL | None:
    """The library in a file; None if there is none, if it is incomplete, or if another user can have written it."""
    if kept is None:
        return None
    try:
        for path in (kept.parent, kept):
            status = path.stat()
            if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
                return None
        return CDLL(str(kept))
    except OSError:
        return None


def _keep(made: Path, kept: Path) -> None:
    """Copy into the folder atomically: other processes see a whole file or none. Does nothing where it cannot."""
    with contextlib.suppress(OSError):
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as beside:
            copied = Path(shutil.copy(made, beside))
            copied.chmod(0o700)
            os.replace(copied, kept)


@cache
def _version(command: tuple[str, ...]) -> str:
    try:
        return _run([*command, "--version"]).stdout
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""


def _run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    nothing = subprocess.DEVNULL
    return subprocess.run(arguments, stdin=nothing, capture_output=True, text=True, errors="replace", check=False, timeout=_SECONDS)
