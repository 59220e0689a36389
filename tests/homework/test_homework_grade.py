"""The grader on files in many hands: no correct file is accused, wrong ones are named, and what nothing explains is unknown."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest
from graded import named, report, rows, said
from mistakes import CORRECT, spoiled
from students import STYLES, WRONG

from pure_mlp.homework.bundle import bundle
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


ALL = "dJdW1, dJdb1, dJdW2, dJdb2"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("self.grads[name] = new[name] + (self.grads[name] if 'b' in name else 0)", "does not add to dJdW1, dJdW2 but replaces it"),
        ("self.grads[name] += new[name] * (1 + self.grads[name].any())", f"leaves what was in {ALL} and adds 2 times its own"),
        ("self.grads[name] = 0.9 * self.grads[name] + new[name]", f"leaves 0.9 times what was in {ALL} and adds its own"),
        ("self.grads[name] += new[name] * (not self.grads[name].any())", f"adds nothing to {ALL}"),
    ],
)  # fmt: skip
def test_grads_that_do_not_add_up_are_told_by_name(line: str, told: str) -> None:
    found = report(spoiled((("self.grads[name] += new[name]", line),)))
    assert said(found) == [f"A second backward {told}: gradients add up, by +=, until clear_grad_and_cache."]
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
    assert found.diagnosis[0].startswith("backward raises TypeError: unsupported operand type(s) for +=: 'NoneType' and 'Tensor'")
    assert found.diagnosis[1:] == (
        "After clear_grad_and_cache grads['dJdW1'] is None, expected a tensor: it sets each gradient to 0 and keeps it.",
    )


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
