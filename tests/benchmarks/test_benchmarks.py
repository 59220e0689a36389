"""The benchmarks run: every peer's parameters are eager autograd's, and a table comes out. The times are nobody's business here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import autograd, ours
from benchmarks.goals import Goal, goals
from benchmarks.machine import limits, variables
from benchmarks.operations import operations
from benchmarks.planning import begin
from benchmarks.shapes import SHAPES
from benchmarks.table import BEGIN, END, main, write
from benchmarks.task import Peer
from benchmarks.tensors import Start


def benchmark(*arguments: str) -> str:
    """What the command prints. Raises `CalledProcessError` if it fails, as it does if somebody's parameters are wrong."""
    command = [sys.executable, "-m", "tests.benchmarks", "tiny", "--quick", *arguments]
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout


def test_every_peer_computes_the_step_of_eager() -> None:
    peers = ["eager", "lean", "pure", "plan", "gemms"]
    printed = benchmark("--peers", ",".join(peers), "--optimizer", "adam", "--loss", "bce", "--goals", "--markdown")
    assert "left out" not in printed
    assert "goal plan / pure" in printed
    header, _, row = printed.splitlines()[-3:]
    assert [cell.strip() for cell in header.split("|")[2:-1]] == peers
    assert row.startswith("| tiny | 1.000 [1.000 1.000] |")


@pytest.mark.parametrize(("build", "count"), [(autograd.eager, 33), (autograd.eager_fused, 30), (ours.pure, 16)])
def test_operations_are_those_of_tensors_and_no_marks_of_the_profiler(build: Callable[[Start], Peer], count: int) -> None:
    names = operations(build(begin(10, (2, 20, 5))))
    assert len(names) == count
    assert not [name for name in names if not name.startswith("aten.")]


def test_the_multiply_adds_are_those_that_torch_counts() -> None:
    start = begin(10, (2, 20, 30, 5))
    with FlopCounterMode(display=False) as counter:
        autograd.lean(start).step(start.batches[0])
    assert counter.get_total_flops() == 2 * start.task.multiply_adds()


def test_a_limit_of_the_processor_ends_with_its_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    before = dict(os.environ)
    with variables(limits("default")):
        assert os.environ["ATEN_CPU_CAPABILITY"] == "default"
    with variables(limits("native")):
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_tables_are_written_between_the_markers(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}old\n{END}\nafter\n")
    for text in ("new\n", "\\1 newer\n"):
        write([text], readme)
        assert readme.read_text() == f"before\n{BEGIN}\n{text}\n{END}\nafter\n"
    readme.write_text("no markers")
    with pytest.raises(ValueError, match="no line"):
        write(["new"], readme)


def test_goals_hold_for_every_row_of_the_table() -> None:
    assert Goal("native_fold", "lax_scan", 0.4) in goals("tiny", "adam", "bce", 2)
    assert Goal("native", "numpy", 0.95) in goals("wide", "sgd", "mse", 1)
    assert Goal("plan", "eager", 0.0715) in goals("tiny", "sgd", "mse", 1)
    assert all(Goal("plan", "pure", 1.0) in goals(shape, "adam", "mse", 1) for shape in SHAPES)


def test_the_table_takes_all_shapes_if_none_is_given(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["table", "--minutes", "0"])
    main()
    assert capsys.readouterr().out == "out of time before native, 1 thread, sgd, mse, tiny\n"
