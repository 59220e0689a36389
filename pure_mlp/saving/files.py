"""Writing a file so that a reader never sees half of it, and so that nothing is lost on the way."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from threading import get_ident

_DESCRIPTOR = re.compile(r"/(?:dev|proc/(?:self|\d+))/(?:fd/(\d+)|std(in|out|err))")
_OLD = 3600.0
"""Seconds after which a temporary file is nobody's, whatever process has its number."""


def replace_file(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write beside `path`, flush to the disk, then rename: at every moment `path` holds the whole of the old or of the new content.

    content: all of it, or its pieces; where making one raises, `path` stays as it was.

    A link stays, and what it points to is replaced. What is no regular file (a pipe, a device, /dev/fd/N) is written to. Temporary
    files of processes that died while they wrote this file are removed. Raises `OSError` that names `path`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     replace_file(Path(folder, "a"), b"whole")
    ...     [(path.name, path.read_bytes()) for path in Path(folder).iterdir()]
    [('a', b'whole')]
    """
    pieces = [content] if isinstance(content, bytes) else content
    try:
        target = _followed(path)
        if (opened := descriptor(target)) is not None:
            sys.stdout.flush()
            with os.fdopen(os.dup(opened), "wb") as file:
                file.writelines(pieces)
        elif target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with target.open("wb") as file:
                file.writelines(pieces)
        else:
            _replace(target, pieces)
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, f"there is no folder {path.parent} to write to", str(path)) from error
    except OSError as error:
        raise type(error)(error.errno, error.strerror or str(error), str(path)) from error


def _replace(target: Path, pieces: Iterable[bytes]) -> None:
    remove_leftovers(target)
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied")
    beside = target.with_name(f"{_stem(target)}{os.getpid()}-{get_ident()}.part")  # threads may write at once
    try:
        with beside.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def remove_leftovers(target: Path) -> None:
    """Remove the temporary files that a process left behind which died while it wrote `target`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, ".a.999999999.part").write_bytes(b"half")
    ...     remove_leftovers(Path(folder, "a"))
    ...     [*Path(folder).iterdir()]
    []
    """
    if not target.parent.is_dir():
        return
    for path in target.parent.iterdir():
        numbers = path.name.removeprefix(_stem(target)).removesuffix(".part")
        pid = numbers.partition("-")[0]
        if path.name == f"{_stem(target)}{numbers}.part" and pid.isdecimal() and _abandoned(path, int(pid)):
            path.unlink(missing_ok=True)


def descriptor(path: Path) -> int | None:
    """The number of the open file that a path like /dev/fd/3 or /dev/stdout stands for, else None.

    >>> descriptor(Path("/dev/fd/3")), descriptor(Path("/dev/stdout")), descriptor(Path("a.csv"))
    (3, 1, None)
    """
    found = _DESCRIPTOR.fullmatch(os.path.abspath(path))
    if not found or (found[0].startswith("/proc/") and found[0].split("/")[2] not in ("self", str(os.getpid()))):
        return None
    return int(found[1]) if found[1] else ("in", "out", "err").index(found[2])


def refuse_same(out: Path, sources: Iterable[Path]) -> None:
    """Raises `ValueError` if `out` is one of the files that are read, or one in a folder that is read, by whatever name.

    >>> refuse_same(Path("new.csv"), [Path("old.csv")])
    """
    for source in sources:
        for path in [source, *(source.iterdir() if source.is_dir() else ())]:
            if out.exists() and path.exists() and os.path.samefile(out, path):
                raise ValueError(f"{out} is {path}, which is read: write to another file")


def _followed(path: Path) -> Path:
    """Where a chain of links ends; one into /dev/fd ends there."""
    for _ in range(40):
        if descriptor(path) is not None or not path.is_symlink():
            return path
        path = path.parent / os.readlink(path)
    raise OSError(40, "Too many levels of symbolic links")


def _stem(target: Path) -> str:
    return f".{target.name[:50]}."  # 255 bytes at most with the rest


def _abandoned(path: Path, pid: int) -> bool:
    if time.time() - path.stat().st_mtime > _OLD:
        return True
    if sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False
