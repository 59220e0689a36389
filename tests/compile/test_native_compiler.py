"""Compiling: once, and clearly refused where it cannot be done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from natively import needs_compiler
from planned import deep, pieces

import pure_mlp as pm
from pure_mlp._compile.c.compiler import compiler
from pure_mlp._compile.c.compiler import folder as cache_folder
from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.plan import Plan


def folder() -> Path:
    found = cache_folder()
    assert found is not None
    return found


def planned() -> Plan[Any, Any]:
    step, carry = deep(1, pm.sgd(0.1))
    made = Plan(step, carry, pieces(6, 6)[0], engine="native")
    made.step(pieces(6, 6)[0])
    return made


@needs_compiler
def test_the_second_time_comes_from_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert planned().compile_seconds > 0
    assert [path.suffix for path in folder().iterdir()] == [".so"]

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert planned().compile_seconds == 0


@needs_compiler
def test_each_program_counts_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = planned()
    before = made.compile_seconds
    made.step(pieces(6, 6, (3,))[0])
    after = made.compile_seconds
    assert after > before
    made.step(pieces(6, 6)[1])
    assert made.compile_seconds == after


@needs_compiler
def test_a_broken_file_is_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    planned()
    (kept,) = folder().iterdir()
    kept.unlink()
    kept.write_bytes(b"half a lib")
    assert planned().compile_seconds > 0
    assert kept.stat().st_size > 1000


@needs_compiler
def test_a_folder_that_cannot_be_written_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert planned().compile_seconds > 0
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_compiler_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert compiler() is None
    with pytest.raises(Unplannable, match="no C compiler"):
        planned()


@needs_compiler
def test_what_the_compiler_complains_about_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "cc -Dmain=1 -include no_such_header.h")
    with pytest.raises(Unplannable, match=r"no_such_header\.h"):
        planned()
    assert not folder().exists()


def test_plans_that_are_not_native_load_nothing_of_it() -> None:
    code = "import sys, pure_mlp, pure_mlp._compile.plan; print([m for m in sys.modules if m.startswith('pure_mlp._compile.c.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
