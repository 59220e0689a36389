"""What Gradescope, Otter and PrairieLearn are given: their fields, credit in proportion, nothing of the teacher's."""

from __future__ import annotations

import ast
import io
import json
from argparse import ArgumentParser
from pathlib import Path
from zipfile import ZipFile

import pytest
from graded import report
from mistakes import CORRECT, spoiled

from pure_mlp.homework.commands import add_parser
from pure_mlp.homework.grade.credit import SEEN, read_points
from pure_mlp.homework.grade.gradebooks import gradescope, otter, prairielearn
from pure_mlp.homework.grade.judge import Report
from pure_mlp.homework.grade.rows import ROWS

POINTS = dict.fromkeys(ROWS, 2.0)
RIGHT, NO_SLOPE = report(CORRECT), report(spoiled((("d1 = d2 * sf", "d1 = d2"),)))
HIDDEN = report(spoiled((("            g.zero_()", "            pass"),)))
UNGUARDED = report(spoiled((("a.log().clamp(min=-100), (1 - a).log().clamp(min=-100)", "a.log(), (1 - a).log()"),)))


def test_gradescope_has_its_fields() -> None:
    files = gradescope(NO_SLOPE, POINTS, 3.4)
    whole = json.loads(files["results.json"])
    assert whole.keys() == {"score", "execution_time", "output", "visibility", "stdout_visibility", "tests"}
    *tests, teacher = whole["tests"]
    fields = {"name", "number", "score", "max_score", "status", "output", "output_format", "visibility", "tags"}
    assert all(test.keys() == fields for test in tests)
    assert [test["name"] for test in tests] == [*ROWS]
    assert {test["visibility"] for test in tests} == {"visible", "after_published"}
    assert teacher["visibility"] == "hidden"
    assert "The slope of f is missing" in teacher["output"]
    seen = json.dumps([whole["output"], *(test for test in tests if test["visibility"] == "visible")])
    assert "slope" not in seen
    assert whole["execution_time"] == 3
    with ZipFile(io.BytesIO(files["autograder.zip"])) as archive:
        assert archive.namelist() == ["setup.sh", "run_autograder", "points.json"]
        assert all(entry.external_attr >> 16 & 0o100 for entry in archive.infolist())
        assert b"--format gradescope" in archive.read("run_autograder")
        assert json.loads(archive.read("points.json")) == POINTS


def test_credit_is_in_proportion() -> None:
    tests = {test["name"]: test for test in json.loads(gradescope(NO_SLOPE, POINTS, 0.0)["results.json"])["tests"]}
    assert tests["dJdW2"]["score"] == 2
    assert tests["dJdW1"]["score"] == pytest.approx(2 * 14 / 36)  # where f is identity or no unit is masked
    assert json.loads(gradescope(RIGHT, POINTS, 0.0)["results.json"])["score"] == 2 * len(ROWS)


NOT_RIGHT = {"hidden": HIDDEN, "saturated": UNGUARDED, "seen": NO_SLOPE, "none": Report("mlp.py", failure="hangs")}


@pytest.mark.parametrize("found", NOT_RIGHT.values(), ids=NOT_RIGHT)
def test_nobody_sees_a_whole_score_while_something_is_not_right(found: Report) -> None:
    assert found.verdict != "right"
    assert json.loads(gradescope(found, POINTS, 0.0)["results.json"])["score"] < 2 * len(ROWS)
    assert json.loads(prairielearn(found, POINTS, 0.0)["results.json"])["score"] < 1
    assert json.loads(prairielearn(RIGHT, POINTS, 0.0)["results.json"])["score"] == 1


def test_prairielearn_has_its_fields() -> None:
    whole = json.loads(prairielearn(NO_SLOPE, POINTS, 0.0)["results.json"])
    assert whole.keys() == {"gradable", "score", "message", "output", "tests"}
    assert whole["gradable"] is True
    assert [test["name"] for test in whole["tests"]] == [*SEEN]
    assert all(test.keys() == {"name", "points", "max_points", "message", "output"} for test in whole["tests"])


def test_otter_has_a_case_for_each_row() -> None:
    tree = ast.parse(otter(RIGHT, {"forward": 3.0, "clearing": 1.0}, 0.0)["test_mlp.py"])
    assert "OK_FORMAT = False" in ast.unparse(tree)
    cases = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert [case.name for case in cases] == ["test_forward", "test_clearing"]
    for case, hidden in zip(cases, (False, True)):
        call = case.decorator_list[0]
        assert isinstance(call, ast.Call)
        given = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
        assert given.keys() == {"name", "points", "hidden", "success_message", "failure_message"}
        assert given["hidden"] is hidden
        assert [a.arg for a in case.args.args] == ["env"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("forward: 3", "is no JSON"),
        ("[]", "has no object with points"),
        ('{"forwards": 1}', "no row 'forwards', expected some of forward, dJdW1"),
        ('{"forward": -1}', "the points -1, expected a positive number"),
        ('{"forward": true}', "the points True"),
    ],
)
def test_points_that_are_none_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "points.json").write_text(text)
    with pytest.raises(ValueError, match=complaint):
        read_points(tmp_path / "points.json")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    (tmp_path / "mlp.py").write_text(CORRECT)
    (tmp_path / "points.json").write_text('{"forward": 40, "mse J": 10}')
    flags = ["--format", "gradescope", "--points", str(tmp_path / "points.json"), "--out", str(tmp_path / "results")]
    args = parser.parse_args(["homework", "grade", str(tmp_path / "mlp.py"), *flags])
    assert args.run(args) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "results" / name) for name in ("results.json", "autograder.zip")]
    assert json.loads((tmp_path / "results" / "results.json").read_text())["score"] == 50
    args = parser.parse_args(["homework", "grade", str(tmp_path / "mlp.py"), str(tmp_path / "mlp.py"), "--format", "otter"])
    with pytest.raises(ValueError, match="--format otter takes one file, not 2"):
        args.run(args)
