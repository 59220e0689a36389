"""The grader: every mistake planted in a correct file is named, no correct file is accused, a hostile file costs its row only."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from pathlib import Path

import pytest
from mistakes import COLUMNS, CORRECT, LOSS_SPOILS, NET_SPOILS, STATE_SPOILS, spoiled

from pure_mlp.homework.bundle import bundle
from pure_mlp.homework.commands import add_parser
from pure_mlp.homework.grade.cases import loss_cases, net_cases
from pure_mlp.homework.grade.diagnose import UNKNOWN
from pure_mlp.homework.grade.judge import Report, judge
from pure_mlp.homework.grade.mistakes import NET, sentence
from pure_mlp.homework.grade.probe import observe
from pure_mlp.homework.grade.report import exit_code
from pure_mlp.homework.grade.run import Limits, grade

NETS, LOSSES = net_cases(), loss_cases()


def report(source: str, folder: Path) -> Report:
    """The report, from this process: the files of this test are our own."""
    path = folder / "mlp.py"
    path.write_text(source)
    return judge("mlp.py", source, observe(str(path), NETS, LOSSES), NETS, LOSSES)


@pytest.mark.parametrize("source", [CORRECT, COLUMNS, bundle()], ids=["matrices", "columns", "bundle"])
def test_correct_files_are_right(source: str, tmp_path: Path) -> None:
    found = report(source, tmp_path)
    assert found.failure == ""
    assert found.right, found
    assert found.diagnosis == ()


@pytest.mark.parametrize("name", NET_SPOILS)
def test_every_mistake_of_the_net_is_named(name: str, tmp_path: Path) -> None:
    source = spoiled(NET_SPOILS[name])
    assert source != CORRECT
    found = report(source, tmp_path)
    assert found.diagnosis == (NET[name],)
    assert not found.right


@pytest.mark.parametrize(("loss", "quantity", "name"), LOSS_SPOILS)
def test_every_mistake_of_a_loss_is_named(loss: str, quantity: str, name: str, tmp_path: Path) -> None:
    source = spoiled(LOSS_SPOILS[loss, quantity, name])
    assert source != CORRECT
    found = report(source, tmp_path)
    assert found.diagnosis == (sentence(name, f"{loss}_loss, {quantity}"),)


@pytest.mark.parametrize("advice", STATE_SPOILS)
def test_every_mistake_of_state_is_named(advice: str, tmp_path: Path) -> None:
    source = spoiled(STATE_SPOILS[advice])
    assert source != CORRECT
    found = report(source, tmp_path)
    assert len(found.diagnosis) == 1
    assert advice in found.diagnosis[0]


PAIRS = [
    ("f slope missing", "overwriting"),
    ("sign in backward", "b1 of the handout"),
    ("mean in backward", "g slope missing"),
    ("W1 transposed", "overwriting"),
    ("stale cache", "f slope 1 at 0"),
    ("W2 from z1", "mean of biases"),
    ("no b1", "g slope from output"),
    ("slopes swapped", "mean in backward"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_mistakes_at_once_are_named(one: str, other: str, tmp_path: Path) -> None:
    found = report(spoiled(NET_SPOILS[one], NET_SPOILS[other]), tmp_path)
    assert [s for s in found.diagnosis if s in NET.values()] == [text for name, text in NET.items() if name in (one, other)]
    assert UNKNOWN not in found.diagnosis


def test_two_mistakes_in_each_loss(tmp_path: Path) -> None:
    spoils = (
        ("2 * (y_hat - y) / y_hat.numel()", "2 * (y - y_hat) / len(y)"),
        ("-(y * y_hat.log().clamp(min=-100) + (1 - y) * (1 - y_hat).log().clamp(min=-100)).mean()", "(y * y_hat.log()).sum()"),
    )
    found = report(spoiled(spoils), tmp_path)
    assert {*found.diagnosis[:2]} == {sentence(name, "mse_loss, dJdy_hat") for name in ("per batch", "sign")}
    assert found.diagnosis[2] == f"bce_loss, J: {UNKNOWN}"


def test_what_nothing_explains_is_unknown(tmp_path: Path) -> None:
    assert report(spoiled((("d2 = d3 @", "d2 = 1.7 * d3 @"),)), tmp_path).diagnosis == (UNKNOWN,)


def test_an_exception_is_told_with_its_line(tmp_path: Path) -> None:
    source = spoiled((("d1 = d2 * sf", "d1 = d2 * undefined"),))
    line = source.splitlines().index("        d1 = d2 * undefined") + 1
    rows = {row.name: row for row in report(source, tmp_path).rows}
    assert rows["forward"].verdict == "right"
    assert rows["dJdW1"].verdict == "error"
    assert rows["dJdW1"].detail == f"NameError: name 'undefined' is not defined (line {line})"


HOSTILE = {
    "hangs": "while True: pass",
    "sleeps": "import time\ntime.sleep(1000)",
    "exits": "import os\nos._exit(0)",
    "leaves": "exit(3)",
    "is no Python": "class MLP(:",
    "eats memory": "x = [bytearray(1 << 28) for _ in range(100)]",
    "prints": "while True: print('x' * 1000000)",
    "forks": "import os\nwhile True: os.fork()",
    "fills the disk": "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20))",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "lies": "import os\nopen('observed.pt', 'wb').write(b'nonsense')\nos._exit(0)",
    "is no class": "MLP = mse_loss = bce_loss = 7",
    "is empty": "",
}


def test_hostile_files_cost_their_own_row_only(tmp_path: Path) -> None:
    for name, source in HOSTILE.items():
        (tmp_path / f"{name}.py").write_text(source)
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "right.py").write_text(CORRECT)
    paths = [*sorted(tmp_path.glob("*.py")), tmp_path / "missing.py"]
    reports = {Path(r.path).stem: r for r in grade(paths, Limits(seconds=20, memory=4096), jobs=6)}
    assert reports.pop("right").right
    assert not reports["is no class"].right
    assert not reports["is empty"].right
    assert exit_code([reports.pop("is no class"), reports.pop("is empty")]) == 1
    assert all(r.failure for r in reports.values()), [name for name, r in reports.items() if not r.failure]
    assert "SyntaxError" in reports["is no Python"].failure
    assert "line 1" in reports["is no Python"].failure
    assert "os.fork" in reports["forks"].failure
    assert "still running" in reports["sleeps"].failure
    assert "exit code 0" in reports["exits"].failure
    assert "SIGSEGV" in reports["crashes"].failure
    assert "File too large" in reports["fills the disk"].failure
    assert len(reports) == 13


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["homework", "grade", *argv])
    return args.run(args), capsys.readouterr().out


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "right.py").write_text(CORRECT)
    (tmp_path / "sum.py").write_text(spoiled(LOSS_SPOILS["mse", "J", "sum"]))
    code, text = run(capsys, str(tmp_path / "right.py"))
    assert code == 0
    assert "right.py: right" in text
    code, text = run(capsys, str(tmp_path), "--json")
    assert code == 1
    assert [r["verdict"] for r in json.loads(text)] == ["right", "wrong"]
    (tmp_path / "zero.py").write_text("exit(0)")
    code, text = run(capsys, str(tmp_path), "--csv")
    assert code == 2
    assert [row["verdict"] for row in csv.DictReader(text.splitlines())] == ["right", "wrong", "could not run"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no \.py file"):
        run(capsys, str(tmp_path / "empty"))
