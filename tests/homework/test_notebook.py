"""The notebook of exercises: each cell is graded as a file is, blank, filled and filled wrongly."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path

import pytest

from pure_mlp.learn.commands import add_parser
from pure_mlp.learn.notebook import BLANK, EXERCISES, Exercises, notebook

PARTS = [part for part, _, _ in EXERCISES]
RIGHT = {part: BLANK.sub(r"\1", code) for part, _, code in EXERCISES}
WRONG = {
    "mse_loss": ("2 * d / d.numel()", "d / d.numel()", "The factor 2 of (5) is missing"),
    "bce_loss": (".clamp(min=1e-12)", "", "BCE is not clamped"),
    "forward": ('x @ p["W1"].t() + p["b1"]', 'x @ p["W1"].t()', "forward leaves b1 out"),
    "backward": ("dz1.sum(0)", "dz1.mean(0)", "dJ/db1 is a mean over the batch"),
}


def run(filled: bool, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run all code cells one after the other, as IPython does; what each prints."""
    names: dict[str, object] = {"In": []}
    printed = []
    for cell in json.loads(notebook(filled))["cells"]:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            names["In"] = [*names["In"], source]  # type: ignore[misc]  # it is the list that stands there
            exec(compile(source, "cell", "exec"), names)
            printed.append(capsys.readouterr().out)
    return [text for text in printed if text]


def test_a_filled_notebook_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert [text.splitlines()[0] for text in run(True, capsys)] == [f"{part}: right" for part in (*PARTS, "all")]


def test_a_blank_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for part, text in zip(PARTS, run(False, capsys)):
        assert text.startswith(f"{part}: fails"), text
        assert "->" in text


def test_a_wrong_answer_is_told_what_is_wrong() -> None:
    exercises = Exercises()
    for part in PARTS:
        old, new, sentence = WRONG[part]
        assert old in RIGHT[part]
        assert sentence in " ".join(exercises.grade(part, [RIGHT[part].replace(old, new)]).split())
        assert exercises.grade(part, [RIGHT[part]]).startswith(f"{part}: right")


def test_a_part_that_no_cell_defines_is_asked_for() -> None:
    with pytest.raises(ValueError, match="run the cell that defines mse_loss first"):
        Exercises().grade("mse_loss", ["x = 3"])


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["learn", "--notebook", str(tmp_path / "exercises.ipynb")])
    assert args.run(args) == 0
    assert json.loads((tmp_path / "exercises.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4
    args = parser.parse_args(["learn", "--notebook", str(tmp_path / "exercises.py")])
    with pytest.raises(ValueError, match=r"ends in \.ipynb"):
        args.run(args)
