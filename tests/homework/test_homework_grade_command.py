"""`homework grade`: which files, which part, which form, and the exit code."""

from __future__ import annotations

import csv
import io
import json
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
from mistakes import CORRECT, spoiled
from mistakes_losses import LOSS_SPOILS

from pure_mlp.homework.commands import add_parser
from pure_mlp.homework.grade.rows import ROWS


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["homework", "grade", *argv])
    return args.run(args), capsys.readouterr().out


FAILS = "fails the checks that a hidden test makes"


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "adds.py").write_text(spoiled((("+= new[name]", "= new[name]"),)))
    (tmp_path / "right.py").write_text(CORRECT)
    (tmp_path / "sum.py").write_text(spoiled(LOSS_SPOILS["mse", "J", "sum"]))
    code, text = run(capsys, str(tmp_path / "right.py"))
    assert code == 0
    assert "right.py: right" in text
    assert text.count("\n") == 1 + len(ROWS)
    code, text = run(capsys, str(tmp_path))
    assert code == 1
    assert f"{tmp_path / 'right.py'}: right" in text.splitlines()
    assert text.splitlines()[-1] == "3 files: 1 right, 1 pass with remarks, 1 fail, 0 could not run"
    assert "Remarks:\n  -  backward overwrites" in text
    assert "Risk: a script that calls backward" in " ".join(text.split())
    code, text = run(capsys, str(tmp_path / "sum.py"), "--json")
    assert code == 1
    assert [r["verdict"] for r in json.loads(text)] == [FAILS]
    (tmp_path / "zero.py").write_text("exit(0)\nMLP = 0")
    code, text = run(capsys, str(tmp_path / "zero.py"), str(tmp_path / "right.py"), "--csv")
    assert code == 2
    assert {row["verdict"] for row in csv.DictReader(text.splitlines())} == {"right", "could not run"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no \.py file"):
        run(capsys, str(tmp_path / "empty"))


def test_remarks_alone_are_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mlp.py").write_text(spoiled((("+= new[name]", "= new[name]"),)))
    assert run(capsys, str(tmp_path / "mlp.py"))[0] == 0


def test_test_scripts_are_skipped_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder as it is worked in: the handout's scripts beside mlp.py."""
    (tmp_path / "mlp.py").write_text(CORRECT)
    (tmp_path / "test1.py").write_text("from mlp import MLP, mse_loss\nnet = MLP(2, 10, 'relu', 10, 3, 'identity')\n")
    (tmp_path / "helper.py").write_text("x = 3\n")
    code, text = run(capsys, str(tmp_path))
    assert code == 0
    skipped = [line for line in text.splitlines() if ": skipped" in line]
    assert skipped == [f"{tmp_path / name}: skipped, it defines no MLP" for name in ("helper.py", "test1.py")]
    assert f"{tmp_path / 'mlp.py'}: right" in text.splitlines()
    (tmp_path / "mlp.py").unlink()
    with pytest.raises(ValueError, match=r"no \.py file in .* defines MLP: .*helper\.py, .*test1\.py"):
        run(capsys, str(tmp_path))
    assert run(capsys, str(tmp_path / "helper.py"))[0] == 1


def test_only_one_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Halfway: the net is still empty."""
    source = spoiled((("2 * (y_hat - y)", "(y_hat - y)"),))
    (tmp_path / "mlp.py").write_text(source.replace(source[source.index("    def forward") : source.index("def mse_loss")], ""))
    code, text = run(capsys, str(tmp_path / "mlp.py"), "--only", "mse_loss")
    assert code == 1
    assert "->" in text
    assert [line for line in text.splitlines() if "->" in line] == [line for line in text.splitlines() if "factor 2" in line]
    assert run(capsys, str(tmp_path / "mlp.py"), "--only", "bce_loss")[0] == 0
    code, text = run(capsys, str(tmp_path / "mlp.py"), "--only", "forward")
    assert code == 1
    assert "forward" in text


def test_another_encoding(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "größe.py").write_text(CORRECT.replace("class MLP", "raise ValueError('Länge \\ud800')\nclass MLP"))
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, "ascii"))
    assert run(capsys, str(tmp_path / "größe.py"))[0] == 2
    assert b"gr\\xf6\\xdfe.py: could not run" in buffer.getvalue()
    assert b"L\\xe4nge \\ud800" in buffer.getvalue()
