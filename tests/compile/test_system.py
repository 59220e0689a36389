"""Whatever the operating system or the compiler refuses is a reason to go one tier down, said once, never an exception."""

from __future__ import annotations

import os
import pwd
import tempfile
from pathlib import Path

import pytest
import torch
from fuzz.loop import Case
from torch import Tensor

from .children import child
from .engines import agrees, needs_compiler

pytestmark = needs_compiler

SCRIPTS = {
    "fails": "exit 3",
    "makes nothing": "exit 0",
    "killed": "kill -9 $$",
    "makes rubbish": 'while [ $# -gt 0 ]; do [ "$1" = -o ] && echo rubbish > "$2"; shift; done; exit 0',
    "makes another library": 'while [ "$1" != -o ]; do shift; done; echo "int x;" | gcc -xc -shared - -o "$2"',
    "speaks no UTF-8": "printf '\\377\\376 error: no\\n' >&2; exit 1",
}
COMMANDS = {"an open quote": "cc '", "no such file": "no-such-compiler", "nothing": "", "a folder": "/usr", "a device": "/dev/null"}
ALIEN = """
import os, warnings, torch, pure_mlp as pm

def fold(factor, engine="native"):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        after, _ = pm.fold(lambda w, x: (w - factor * x, (w * x).sum()), engine=engine)(torch.ones(3), [torch.ones(3)] * 2)
    assert after.tolist() == [1 - 2 * factor] * 3
    return [w for w in caught if w.category is RuntimeWarning]

foreign, os.environ["XDG_CACHE_HOME"] = os.environ["XDG_CACHE_HOME"], os.environ["OWN"]
assert fold(0.25, "plan") == fold(0.25) == []  # all modules are imported: another user may not read them
os.environ["XDG_CACHE_HOME"] = foreign
if os.getuid() == 0:
    os.setegid(54321)
    os.seteuid(54321)
print(len(fold(0.5)))
"""


def small(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    return w - 0.5 * x, (w * x).sum()


def warned() -> list[str]:
    """What is said of a small fold asked for natively, whose values are right."""
    return agrees(lambda: Case(small, torch.ones(3), [torch.ones(3)] * 2), "native").warned


@pytest.mark.parametrize("how", [*SCRIPTS, *COMMANDS, "empty", "not executable"])
def test_a_compiler_that_does_not_work_is_done_without(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "cc"
    script.write_text(f"#!/bin/sh\n{SCRIPTS[how]}\n" if how in SCRIPTS else "")
    script.chmod(0o644 if how == "not executable" else 0o755)
    monkeypatch.setenv("CC", COMMANDS.get(how, str(script)))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for _ in range(2):  # nothing that does not work is kept
        lines = warned()
        assert len(lines) == (how != "nothing"), lines
        assert all("native" in line for line in lines)


@pytest.mark.parametrize("how", ["a file", "a device", "unwritable", "no scratch", "unwritable scratch", "a folder in its place"])
def test_a_folder_that_cannot_be_used_is_done_without(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is made elsewhere, or the step is planned."""
    file = tmp_path / "file"
    file.write_text("")
    cache = {"a device": "/dev/null", "unwritable": "/proc", "unwritable scratch": "/proc", "a folder in its place": str(tmp_path)}
    monkeypatch.setenv("XDG_CACHE_HOME", cache.get(how, str(file)))
    if how == "a folder in its place":
        assert warned() == []
        for path in tmp_path.rglob("*.so"):
            path.unlink()
            path.mkdir()
    if "scratch" in how:
        monkeypatch.setattr(tempfile, "tempdir", None)
        for name in ("TMPDIR", "TEMP", "TMP"):
            monkeypatch.setenv(name, "/proc")
        monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc", str(file)])
    assert len(warned()) <= 1


def test_no_home_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert len(warned()) <= 1


def test_the_cache_of_another_user_is_done_without(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir(mode=0o700 if os.getuid() == 0 else 0)
    assert child(["-c", ALIEN], {"XDG_CACHE_HOME": str(foreign), "OWN": str(tmp_path / "own")}) in (["0"], ["1"])


@pytest.mark.parametrize("rubbish", [b"", b"half a library", b"\x7fELF" + bytes(60)], ids=["empty", "half", "a head"])
def test_a_broken_library_in_the_folder_is_made_anew(rubbish: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert warned() == []
    libraries = [path for path in tmp_path.rglob("*.so") if path.stat().st_size]
    assert libraries
    for path in libraries:
        path.unlink()  # the library that is loaded stays whole
        path.write_bytes(rubbish)
    assert warned() == []
