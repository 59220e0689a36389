"""The grader on files in many hands: no correct file is accused, wrong ones are named, and what nothing explains is unknown."""

from __future__ import annotations

import csv
import io
import json
import sys
from argparse import ArgumentParser
from importlib.util import find_spec
from pathlib import Path

import pytest
from graded import named, report, rows, said
from mistakes import CORRECT, LOSS_SPOILS, spoiled
from students import STYLES, WRONG

from pure_mlp.homework.bundle import bundle
from pure_mlp.homework.commands import add_parser
from pure_mlp.homework.grade.judge import Report
from pure_mlp.homework.grade.net_mistakes import net_sentence
from pure_mlp.homework.grade.progress import progress
from pure_mlp.homework.grade.report import as_summary, as_text
from pure_mlp.homework.grade.rows import ROWS, Row, Said


@pytest.mark.parametrize("source", [CORRECT, bundle(), *STYLES.values()], ids=["matrices", "bundle", *STYLES])
def test_correct_files_are_right(source: str) -> None:
    found = report(source)
    assert [row for row in found.rows if row.verdict != "right"] == []
    assert (found.verdict, found.failure, said(found)) == ("right", "", [])
    assert tuple(row.name for row in found.rows) == ROWS


@pytest.mark.parametrize("what", WRONG)
def test_what_students_get_wrong_is_named(what: str) -> None:
    source, mistakes = WRONG[what]
    found = report(source)
    assert named(found) == mistakes
    assert found.verdict != "right"


def test_two_mistakes_in_forward_and_two_in_backward() -> None:
    changes = ((' + p["b1"]', ""), (' + p["b2"]', ""), ("d1 = d2 * sf", "d1 = d2"), ("+= new[name]", "= new[name]"))
    assert named(report(spoiled(changes))) == {"no b1", "no b2", "f slope missing", "overwriting"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("self.grads[name] = new[name] + (self.grads[name] if 'b' in name else 0)", "dJdW1, dJdW2 but replaces it"),
        ("self.grads[name] += new[name] * (2 if self.grads[name].any() else 1)", "dJdW1, dJdb1, dJdW2, dJdb2"),
    ],
)
def test_grads_that_do_not_add_up_are_told_by_name(line: str, told: str) -> None:
    found = report(spoiled((("self.grads[name] += new[name]", line),)))
    assert said(found) == [f"A second backward does not add to {told}: gradients add up, by +=, until clear_grad_and_cache."]
    assert found.verdict == "passes, with remarks"


def test_how_much_is_wrong_and_where() -> None:
    details = {row.name: row.detail for row in report(spoiled((("d2 = d3 @", "d2 = 1.5 * d3 @"),))).rows}
    assert details["dJdW1"].startswith("in 34 of 36 cases, by up to 50 %, as with f sigmoid, g sigmoid, widths 3 5 2")
    assert details["dJdW2"] == ""


def test_an_exception_is_told_with_its_line() -> None:
    source = spoiled((("d1 = d2 * sf", "d1 = d2 * undefined"),))
    line = source.splitlines().index("        d1 = d2 * undefined") + 1
    found = {row.name: row for row in report(source).rows}
    assert found["forward"].verdict == "right"
    assert found["dJdW1"].verdict == "error"
    assert found["dJdW1"].detail == "not computed in 36 of 36 cases"
    assert found["dJdW1"].raised == f"NameError: name 'undefined' is not defined (line {line})"
    assert report(source).diagnosis == (f"backward raises {found['dJdW1'].raised}.",)
    assert found["clearing"].detail == "not reached"


def test_an_exception_hides_no_mistake() -> None:
    """f' is missing in the net, and where g is relu something else raises."""
    told = said(report(spoiled((("d1 = d2 * sf", "d1 = d2 if self.g_function != 'relu' else undefined"),))))
    assert told[0] == net_sentence("f slope missing")
    assert told[1].startswith("backward raises NameError: name 'undefined' is not defined (line ")
    assert told[1].endswith(" where g is relu (12 of 36 cases).")


def test_grads_that_are_no_tensors() -> None:
    zeros = "            pass\n        self.grads = dict.fromkeys(self.grads, 0)"
    assert rows(report(spoiled((("            g.zero_()", zeros),))))["clearing"] == "remark"
    zeros = zeros.replace("0)", "None)")
    found = report(spoiled((("            g.zero_()", zeros),)))
    assert found.diagnosis == ("grads['dJdW1'] is None, expected a tensor.",)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    found = report(spoiled((("d2 = d3 @", "d2 = 1.7 * d3 @"), ("+= new[name]", "= new[name]"), ("g.zero_()", "pass"))))
    assert max(map(len, as_text(found, width).splitlines())) <= width
    assert max(map(len, as_summary([found, found], width).splitlines())) <= width


def test_the_summary_counts_what_many_have_wrong() -> None:
    wrong = Report("a.py", (Row("forward", "wrong"),), ("The slope is missing.",))
    some = Report("d.py", remarks=(Said("J is a float.", "a script"),))
    lines = as_summary([wrong, wrong, some, Report("b.py"), Report("c.py", failure="hangs")]).splitlines()
    assert lines == ["5 files: 1 right, 1 pass with remarks, 2 fail, 1 could not run", "    2 x The slope is missing."]


@pytest.mark.parametrize("rich", [True, False])
def test_the_bar_is_for_many_files_on_a_terminal(
    rich: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for total, terminal in ((1, True), (3, False), (3, True)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        with_rich = rich and find_spec("rich") is not None
        monkeypatch.setattr("pure_mlp.homework.grade.progress._has_rich", lambda with_rich=with_rich: with_rich)
        with progress(total) as observer:
            for _ in range(total):
                observer(Report("mlp.py"))
        out, err = capsys.readouterr()
        assert out == ""
        assert ("3/3" in err and "3 right" in err) == (total == 3 and terminal)
        assert bool(err) == (total == 3 and terminal)


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
    code, text = run(capsys, str(tmp_path), "--json")
    assert code == 1
    assert [r["verdict"] for r in json.loads(text)] == ["passes, with remarks", "right", FAILS]
    code, text = run(capsys, str(tmp_path))
    assert f"{tmp_path / 'right.py'}: right" in text.splitlines()
    assert text.splitlines()[-1] == "3 files: 1 right, 1 pass with remarks, 1 fail, 0 could not run"
    assert "Remarks:\n  -  backward overwrites" in text
    assert "Risk: a script that calls backward" in " ".join(text.split())
    (tmp_path / "zero.py").write_text("exit(0)\nMLP = 0")
    code, text = run(capsys, str(tmp_path), "--csv")
    assert code == 2
    verdicts = ["passes, with remarks", "right", FAILS, "could not run"]
    assert [row["verdict"] for row in csv.DictReader(text.splitlines())] == verdicts
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
