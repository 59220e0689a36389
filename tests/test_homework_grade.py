"""The grader on files in many hands: no correct file is accused, wrong ones are named, and what nothing explains is unknown."""

from __future__ import annotations

import csv
import json
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
from graded import named, report, rows
from mistakes import CORRECT, LOSS_SPOILS, spoiled
from students import STYLES, WRONG

from pure_mlp.homework.bundle import bundle
from pure_mlp.homework.commands import add_parser
from pure_mlp.homework.grade.diagnose import UNKNOWN
from pure_mlp.homework.grade.judge import Report
from pure_mlp.homework.grade.progress import progress
from pure_mlp.homework.grade.report import as_summary, as_text
from pure_mlp.homework.grade.rows import Row


@pytest.mark.parametrize("source", [CORRECT, bundle(), *STYLES.values()], ids=["matrices", "bundle", *STYLES])
def test_correct_files_are_right(source: str) -> None:
    found = report(source)
    assert [row for row in found.rows if row.verdict != "right"] == []
    assert (found.right, found.failure, found.diagnosis) == (True, "", ())
    assert len(found.rows) == 19


@pytest.mark.parametrize("what", WRONG)
def test_what_students_get_wrong_is_named(what: str) -> None:
    source, mistakes = WRONG[what]
    found = report(source)
    assert named(found) == mistakes
    assert not found.right


def test_two_mistakes_in_forward_and_two_in_backward() -> None:
    changes = ((' + p["b1"]', ""), (' + p["b2"]', ""), ("d1 = d2 * sf", "d1 = d2"), ("+= new[name]", "= new[name]"))
    assert named(report(spoiled(changes))) == {"no b1", "no b2", "f slope missing", "overwriting"}


def test_what_nothing_explains_is_unknown() -> None:
    assert report(spoiled((("d2 = d3 @", "d2 = 1.7 * d3 @"),))).diagnosis == (UNKNOWN,)
    assert report(spoiled((("2 * (y_hat - y)", "3 * (y_hat - y)"),))).diagnosis == (f"mse_loss, dJdy_hat: {UNKNOWN}",)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("self.grads[name] = new[name] + (self.grads[name] if 'b' in name else 0)", "dJdW1, dJdW2 but replaces it"),
        ("self.grads[name] += new[name] * (2 if self.grads[name].any() else 1)", "dJdW1, dJdb1, dJdW2, dJdb2"),
    ],
)
def test_grads_that_do_not_add_up_are_told_by_name(line: str, told: str) -> None:
    found = report(spoiled((("self.grads[name] += new[name]", line),)))
    sentence = f"In one net a second backward does not add to {told}: gradients add up, by +=, until clear_grad_and_cache."
    assert found.diagnosis == (sentence,)


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
    assert report(source).diagnosis == (f"It stops with an exception: {found['dJdW1'].raised}.",)
    assert found["clearing"].detail == "not reached"


def test_grads_that_are_no_tensors_and_a_loss_that_is_a_float() -> None:
    assert (
        rows(report(spoiled((("            g.zero_()", "            pass\n        self.grads = dict.fromkeys(self.grads, 0)"),))))[
            "clearing"
        ]
        == "wrong"
    )
    found = report(spoiled((("return J, dJdy_hat  # mse", "return J.item(), dJdy_hat"),)))
    assert {row.raised for row in found.rows if row.name == "mse J"} == {"TypeError: J is a float, not a 0-dim tensor"}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    found = report(spoiled((("d2 = d3 @", "d2 = 1.7 * d3 @"), ("+= new[name]", "= new[name]"), ("g.zero_()", "pass"))))
    assert max(map(len, as_text(found, width).splitlines())) <= width
    assert max(map(len, as_summary([found, found], width).splitlines())) <= width


def test_the_summary_counts_what_many_have_wrong() -> None:
    wrong = Report("a.py", (Row("forward", "wrong"),), ("The slope is missing.",))
    lines = as_summary([wrong, wrong, Report("b.py"), Report("c.py", failure="hangs")]).splitlines()
    assert lines == ["4 files: 1 right, 2 wrong, 1 could not run", "    2 x The slope is missing."]


@pytest.mark.parametrize("rich", [True, False])
def test_the_bar_is_for_many_files_on_a_terminal(
    rich: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for total, terminal in ((1, True), (3, False), (3, True)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr(
            "pure_mlp.homework.grade.progress.has",
            lambda name: rich and __import__("importlib.util").util.find_spec(name) is not None,
        )
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


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "right.py").write_text(CORRECT)
    (tmp_path / "sum.py").write_text(spoiled(LOSS_SPOILS["mse", "J", "sum"]))
    code, text = run(capsys, str(tmp_path / "right.py"))
    assert code == 0
    assert "right.py: right" in text
    assert text.count("\n") == 20
    code, text = run(capsys, str(tmp_path), "--json")
    assert code == 1
    assert [r["verdict"] for r in json.loads(text)] == ["right", "wrong"]
    code, text = run(capsys, str(tmp_path))
    assert text.splitlines()[0] == f"{tmp_path / 'right.py'}: right"
    assert text.splitlines()[-1] == "2 files: 1 right, 1 wrong, 0 could not run"
    (tmp_path / "zero.py").write_text("exit(0)")
    code, text = run(capsys, str(tmp_path), "--csv")
    assert code == 2
    assert [row["verdict"] for row in csv.DictReader(text.splitlines())] == ["right", "wrong", "could not run"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no \.py file"):
        run(capsys, str(tmp_path / "empty"))
