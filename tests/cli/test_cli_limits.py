"""What a machine runs out of is said in one line with the remedy, and what was kept before stays whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from natively import needs_compiler
from stress.steps import WAYS, grown

import pure_mlp.cli.fitting
from pure_mlp.__main__ import main
from pure_mlp.cli.params import load_model

FLAGS = ["train", "diabetes", "--hidden", "4"]


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw them takes four times as long as to train."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "run"
    assert main([*FLAGS, "--epochs", "1", "--out", str(folder)]) == 0
    return folder


def refused(flags: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(flags) == 2
    said = capsys.readouterr().err
    assert (said.count("\n"), "Traceback" in said) == (1, False)
    return said.removeprefix(f"pure-mlp {flags[0]}: ").rstrip("\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device of Linux that is always full")
def test_predictions_for_a_full_device(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["predict", str(run), "diabetes", "--csv", "/dev/full"], capsys)
    assert said == "/dev/full: no space left on device: make room there, or write to another folder"


@pytest.mark.parametrize(
    ("number", "name", "expected"),
    [
        (28, "No space left on device", "no space left on device: make room there, or write to another folder"),
        (30, "Read-only file system", "read-only file system: write to another folder"),
        (13, "Permission denied", "permission denied: change its permissions, or name another"),
    ],
)
def test_a_run_that_cannot_be_written_on(
    number: int, name: str, expected: str, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(number, name)

    before = {path.name: path.read_bytes() for path in run.iterdir()}
    monkeypatch.setattr(os, "fsync", fail)
    said = refused([*FLAGS, "--epochs", "3", "--resume", "--out", str(run)], capsys)
    assert said.startswith(f"{run}/")
    assert said.endswith(f": {expected}")
    assert load_model(run).setup.epochs == 1
    kept = {path.name: path.read_bytes() for path in run.iterdir()}
    assert kept.pop("params.safetensors") == before["params.safetensors"]
    assert not [name for name in kept if name.endswith(".part")]


def test_too_little_memory_for_a_step(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    expected = "out of memory: fewer rows at once (train: --batch), or a smaller net (--hidden), need less"
    monkeypatch.setattr(pure_mlp.cli.fitting, "fit", lambda *_, **__: torch.empty(2**55))
    assert refused([*FLAGS, "--epochs", "3"], capsys) == expected

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(pure_mlp.cli.fitting, "fit", fail)
    assert refused([*FLAGS, "--epochs", "3"], capsys) == expected


def test_another_error_of_torch_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pure_mlp.cli.fitting, "fit", lambda *_, **__: torch.ones(2) @ torch.ones(3))
    with pytest.raises(RuntimeError):
        main([*FLAGS, "--epochs", "1"])


@pytest.mark.parametrize("way", [pytest.param(way, marks=needs_compiler if way == "native" else ()) for way in WAYS])
@pytest.mark.skipif(sys.implementation.name != "cpython", reason="counts the blocks of CPython")
def test_steps_leave_nothing_behind(way: str) -> None:
    """10,000 of them, and the memory of the process: `python -m tests.stress.steps`."""
    assert grown(WAYS[way](), 500)[0] < 100
