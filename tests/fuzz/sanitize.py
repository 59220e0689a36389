"""The fuzzer with its C under gcc's sanitizers: an access out of bounds, or what C leaves undefined, ends a program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CFLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"


def runtimes() -> list[str]:
    """The files of gcc's sanitizers, to be loaded before Python; nothing where there are none."""
    paths: list[str] = []
    if shutil.which("gcc") is None:
        return paths
    for name in ("libasan.so", "libubsan.so"):
        done = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=False)
        paths.append(os.path.realpath(done.stdout.strip()))
    return paths if all(os.path.isfile(path) for path in paths) else []


def restart(arguments: Sequence[str]) -> int:
    """The fuzzer natively, under sanitizers, with a cache of its own. Raises `SystemExit` where there are none."""
    preload = runtimes()
    if not preload:
        raise SystemExit("gcc has no sanitizers here")
    with tempfile.TemporaryDirectory() as cache:
        env = os.environ | {
            "CC": "gcc",
            "CFLAGS": CFLAGS,
            "LD_PRELOAD": ":".join(preload),
            "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "XDG_CACHE_HOME": cache,
        }
        command = [sys.executable, "-m", __package__ or "fuzz", *[a for a in arguments if a != "--sanitize"], "--engine", "native"]
        code = subprocess.run(command, env=env, check=False).returncode
        if not any(b"__asan_" in path.read_bytes() for path in Path(cache).rglob("*.so")):
            raise SystemExit("nothing was compiled with sanitizers: is $CFLAGS heeded?")
        return code
