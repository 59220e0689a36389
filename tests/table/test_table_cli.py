"""`train` and `predict` on tables: what they say of each other's numbers, what they refuse, and what is left when they do."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Generator

from pure_mlp import mlp, tree_leaves
from pure_mlp.__main__ import main
from pure_mlp.cli import history
from pure_mlp.cli.params import load_model
from pure_mlp.data.standardize import unstandardize

pa = pytest.importorskip("pyarrow", reason="needs the extra data")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra data")

CITIES = ("Ulm", "Bonn", "Köln")
ROWS = [(i % 7, CITIES[i * 7 // 5 % 3], i / 8, "even" if i % 2 else "odd", 3 * (i % 7) + i / 8) for i in range(200)]
NAMES = ("rooms", "city", "area", "side", "price")
SMALL = ["--hidden", "4", "--epochs", "3", "--batch", "16", "--lr", "0.05"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(history, "has", lambda name: False)  # no curves: they take longer than all else
    put("houses.csv")

    def ran(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return ran


def put(path: str, rows: Sequence[tuple[object, ...]] = ROWS, names: Sequence[str] = NAMES) -> None:
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])


def table(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [*csv.DictReader(file)]


def kept(folder: str) -> dict[str, dict[str, float]]:
    metrics: dict[str, dict[str, float]] = json.loads(Path(folder, "metrics.json").read_text())["metrics"]
    return metrics


@pytest.mark.parametrize(("target", "metric"), [("price", "rmse"), ("side", "accuracy"), ("city", "accuracy")])
def test_predict_says_of_the_test_part_what_training_said(target: str, metric: str, run: Run) -> None:
    code, out, _ = run("train", "houses.csv", "--target", target, "--val", "0.2", *SMALL, "--out", "out")
    assert code == 0
    assert "guessed from" in out
    assert run("predict", "out", "houses.csv", "--part", "test", "--csv", "p.csv")[0] == 0
    rows = table("p.csv")
    assert len(rows) == kept("out")["test"]["examples"]
    if metric == "rmse":
        errors = [float(row["prediction"]) - float(row["label"]) for row in rows]
        assert (sum(e * e for e in errors) / len(errors)) ** 0.5 == pytest.approx(kept("out")["test"]["rmse"], rel=1e-6)
        assert kept("out")["test"]["r2"] > 0.5
    else:
        assert sum(row["prediction"] == row["label"] for row in rows) / len(rows) == kept("out")["test"]["accuracy"]
    sizes = [kept("out")[part]["examples"] for part in ("training", "validation", "test")]
    assert sum(sizes) == 200


def test_formats_of_a_file_train_and_predict_alike(run: Run) -> None:
    parquet.write_table(pa.table({name: [row[i] for row in ROWS] for i, name in enumerate(NAMES)}), "houses.parquet")
    for ending in ("csv", "parquet"):
        assert run("train", f"houses.{ending}", "--target", "price", "--drop", "side", *SMALL, "--out", ending)[0] == 0
    assert kept("csv") == kept("parquet")
    put("new.csv", [(row[2], row[0], row[1]) for row in ROWS], ("area", "rooms", "city"))
    assert run("predict", "csv", "new.csv", "--csv", "a.csv")[0] == 0
    code, out, _ = run("predict", "csv", "houses.parquet", "--csv", "b.csv")
    assert (code, "200 predictions" in out, "RMSE" in out) == (0, True, True)
    assert [row["prediction"] for row in table("a.csv")] == [row["prediction"] for row in table("b.csv")]
    assert [row["row"] for row in table("b.csv")] == [*map(str, range(200))]
    assert "label" not in table("a.csv")[0]


def test_a_run_on_a_table_goes_on_to_the_same_bits(run: Run) -> None:
    flags = ["train", "houses.csv", "--target", "price", "--hidden", "4", "--batch", "16", "--val", "0.1"]
    assert run(*flags, "--epochs", "4", "--out", "whole")[0] == 0
    assert run(*flags, "--epochs", "2", "--out", "parts")[0] == 0
    assert run(*flags, "--epochs", "4", "--out", "parts", "--resume")[0] == 0
    assert kept("whole") == kept("parts")
    put("houses.csv", ROWS[1:])
    code, _, err = run(*flags, "--epochs", "5", "--out", "parts", "--resume")
    assert (code, "the examples of houses.csv are others" in err) == (2, True)


@pytest.mark.parametrize(
    ("flags", "engine"),
    [
        (["--target", "price"], "plan"),
        (["--target", "city", "--text", "rooms", "--drop", "side", "--val", "0.2", "--impute"], "pure"),
        (["--target", "side", "--val", "held.csv", "--seed", "3", "--test-fraction", "0.4"], "plan"),
    ],
    ids=["regression", "classes", "binary"],
)
def test_a_run_on_a_table_is_replayed_bit_for_bit(flags: list[str], engine: str, run: Run) -> None:
    put("houses.csv", [(*row[:2], None if "--impute" in flags and i % 9 == 0 else row[2], *row[3:]) for i, row in enumerate(ROWS)])
    put("held.csv", ROWS[:30])
    assert run("train", "houses.csv", *flags, *SMALL, "--engine", engine, "--out", "out")[0] == 0
    code, out, _ = run("trace", "out")
    assert (code, out.splitlines()[1]) == (0, "losses     those of 3 recorded epochs, to the bit")
    assert out.splitlines()[0].endswith(f"engine {engine}; 3 epochs recorded")
    for changed in (ROWS[1:], [(1, "Rom", 2.0, "odd", 3.0), *ROWS[1:]]):
        put("houses.csv", changed)
        code, _, err = run("trace", "out")
        assert code == 2
        assert err == "pure-mlp trace: the examples of houses.csv are others than those of the run in out\n"


def test_a_run_on_a_table_that_diverges_is_traced(run: Run) -> None:
    assert run("train", "houses.csv", "--target", "price", *SMALL[:2], "--optimizer", "sgd", "--lr", "1e4", "--out", "out")[0] == 2
    code, out, _ = run("trace", "out")
    assert code == 1
    assert "\nnot finite epoch 1, step " in out


def test_missing_values_are_imputed_and_numbers_can_be_texts(run: Run) -> None:
    put("holes.csv", [(*row[:2], None if i % 9 == 0 else row[2], *row[3:]) for i, row in enumerate(ROWS)])
    flags = ["--target", "price", "--text", "rooms", "--drop", "side", *SMALL, "--out", "out"]
    assert run("train", "holes.csv", *flags)[0] == 2
    code, out, _ = run("train", "holes.csv", *flags, "--impute")
    assert (code, "rooms (7 texts), city (3 texts), area -> price" in out) == (0, True)
    setup = load_model(Path("out")).setup
    assert setup.sizes[0] == 7 + 3 + 2
    assert setup.table
    assert [column.missing for column in setup.table.columns] == [False, False, True]
    assert run("predict", "out", "houses.csv")[0] == 0


def test_validation_on_another_file(run: Run) -> None:
    put("held.csv", ROWS[:30])
    assert run("train", "houses.csv", "--target", "price", "--val", "held.csv", *SMALL, "--out", "out")[0] == 0
    assert kept("out")["validation"]["examples"] == 30
    put("odd.csv", [(1, "Rom", 2.0, "odd", 3.0)])
    code, _, err = run("train", "houses.csv", "--target", "price", "--val", "odd.csv", *SMALL)
    assert (code, err.count("\n")) == (2, 1)
    assert "odd.csv: row 1, column 'city': expected one of the texts seen in training (Bonn, Köln, Ulm), found 'Rom'" in err
    assert run("train", "houses.csv", "--target", "price", "--val", "diabetes")[0] == 2


EMBED = ["--target", "price", "--text", "rooms", "--embed", "city", "--embed", "rooms", "--embed-width", "3"]


def test_texts_are_embedded_and_a_run_with_them_is_like_any_other(run: Run) -> None:
    flags = ["train", "houses.csv", *EMBED, "--hidden", "4", "--batch", "16", "--val", "0.1", "--lr", "0.01"]
    code, out, _ = run(*flags, "--epochs", "4", "--out", "whole")
    assert (code, "engine     plan" in out) == (0, True)
    assert "rooms (7 texts as 3 numbers), city (3 texts as 3 numbers), area, side (2 texts) -> price" in out
    assert re.search(r"^0 +embeddings +\(16, 5\) -> \(16, 9\) +36 ", out, re.MULTILINE)
    model = load_model(Path("whole"))
    assert [tuple(t.shape) for t in tree_leaves(model.params)] == [(8, 3), (4, 3), (4, 9), (4,), (1, 4), (1,)]
    assert not any(table.weight[-1].any() for table in model.params[0])
    assert run(*flags, "--epochs", "2", "--out", "parts")[0] == 0
    assert run(*flags, "--epochs", "4", "--out", "parts", "--resume")[0] == 0
    assert all(map(torch.equal, tree_leaves(load_model(Path("parts")).params), tree_leaves(model.params)))
    assert kept("whole") == kept("parts")
    assert run("trace", "whole")[1].splitlines()[1] == "losses     those of 4 recorded epochs, to the bit"
    code, _, err = run(*flags, "--embed-width", "4", "--epochs", "5", "--out", "parts", "--resume")
    assert (code, err.count("\n")) == (2, 1)
    assert "--resume: the run in parts has table rooms (7 texts as 3 numbers)" in err


@pytest.mark.parametrize("rule", ["kp", "dfa", "straight", "fa", "sign"])
def test_every_rule_trains_embeddings(rule: str, run: Run) -> None:
    assert run("train", "houses.csv", *EMBED, "--rule", rule, "--hidden", "3", "3", "--epochs", "1", "--out", "out")[0] == 0
    assert all(table.weight[:-1].any() for table in load_model(Path("out")).params[0])


def test_predictions_look_texts_up_and_new_ones_have_a_row_of_zeros(run: Run) -> None:
    assert run("train", "houses.csv", *EMBED, "--hidden", "4", "--epochs", "2", "--lr", "0.05", "--out", "out")[0] == 0
    model, new = load_model(Path("out")), [(2, city, 2.5, "odd") for city in (*CITIES, "Rom", "Paris")]
    put("new.csv", new, NAMES[:4])
    assert run("predict", "out", "new.csv", "--csv", "p.csv")[0] == 0
    said = [float(row["prediction"]) for row in table("p.csv")]
    (rooms, cities), assert_targets = model.params[0], model.targets
    assert assert_targets is not None
    area = (2.5 - model.inputs.mean[0]) / model.inputs.std[0]
    for found, city in zip(said, (2, 0, 1, 3, 3)):
        row = torch.cat((torch.stack((area, area * 0, area * 0 + 1)).float(), rooms.weight[2], cities.weight[city]))
        y = mlp((9, 4, 1), Generator())[0].fwd(model.params[1:], row.unsqueeze(0))[0]
        assert found == pytest.approx(unstandardize(assert_targets, y).item(), rel=1e-5)
    assert len(set(said)) == 4
    put("holes.csv", [(2, "", 2.5, "odd", 3.0), *ROWS])
    assert "row 1, column 'city': expected a value (--impute fills in" in run("train", "holes.csv", *EMBED)[2]
    assert run("train", "holes.csv", *EMBED, *SMALL, "--impute", "--out", "filled")[0] == 0
    filled = load_model(Path("filled")).setup.table
    assert filled is not None
    assert filled.columns[1].levels == ("", "Bonn", "Köln", "Ulm")
    parquet.write_table(
        pa.table({name: [str(row[i]) if i == 0 else row[i] for row in new] for i, name in enumerate(NAMES[:4])}), "n.parquet"
    )
    assert run("predict", "out", "n.parquet", "--csv", "q.csv")[0] == 0
    assert Path("p.csv").read_bytes() == Path("q.csv").read_bytes()


def test_texts_that_are_new_may_be_zeros(run: Run) -> None:
    assert run("train", "houses.csv", "--target", "price", *SMALL, "--out", "out")[0] == 0
    put("new.csv", [(1, "Rom", 2.0, "odd")], NAMES[:4])
    assert run("predict", "out", "new.csv")[0] == 2
    assert run("predict", "out", "new.csv", "--unknown-as-zeros")[0] == 0
    assert run("train", "diabetes", *SMALL, "--out", "other")[0] == 0
    assert run("predict", "other", "diabetes", "--unknown-as-zeros")[0] == 2


BAD = {
    "train houses.csv": "--target says which column is learnt; there are 'rooms', 'city', 'area', 'side', 'price'",
    "train houses.csv --target prise": "no column 'prise'; there are 'rooms', 'city', 'area', 'side', 'price'",
    "train houses.csv --target price --task binary": "expected two different labels",
    "train houses.csv --target city --task regression": "a regression takes numbers, found texts",
    "train houses.csv --target price --test-fraction 0.0001": "no example is in the test part of 200",
    "train houses.csv --target price --loss cross_entropy": "loss cross_entropy does not fit regression data",
    "train houses.csv --target price --embed town": "no column 'town'; there are 'rooms', 'city', 'area', 'side', 'price'",
    "train houses.csv --target price --embed area": "houses.csv: column 'area': an embedding takes texts, found numbers: --text",
    "train houses.csv --target city --embed city": "houses.csv: column 'city' is no input: it cannot have an embedding",
    "train houses.csv --target price --drop city --embed city": "column 'city' is no input: it cannot have an embedding",
    "train houses.csv --target price --embed city --embed-width 999999999999": "a net of the widths 1000000000003 64 1",
    "train houses.csv --target price --val narrow.csv": "narrow.csv: no column 'city'; there are 'rooms'",
    "train houses.csv --target price --val bare.csv": "bare.csv: no column 'price', which is learnt",
    "train holes.csv --target price --impute": "holes.csv: row 1, column 'price': expected a value to learn, found none",
    "train houses.csv --target price --embed city --embed-width 0": "argument --embed-width: '0' is not a whole number from 1",
    "train digits --embed city": "--embed is of a .csv or .parquet file, found digits",
    "train digits --target price": "--target is of a .csv or .parquet file, found digits",
    "train digits --impute": "--impute is of a .csv or .parquet file, found digits",
    "train bad.csv --target price": "bad.csv: row 200, column 'price': expected a decimal number that is finite in float32, found",
    "train no.csv --target price": "found no such file or folder",
    "train broken.parquet --target price": "broken.parquet: expected a Parquet file, found a damaged or other one",
    "predict run bad.csv --csv new.csv": "bad.csv: row 200, column 'price': expected a decimal number that is finite in float32",
    "predict run narrow.csv --csv new.csv": "narrow.csv: no column 'city'; there are 'rooms'",
    "predict run empty.csv --csv new.csv": "empty.csv: expected rows, found none",
    "predict run no.csv --csv new.csv": "found no such file or folder",
    "predict run diabetes --csv new.csv": "diabetes: expected a .csv or .parquet file",
    "predict run narrow.csv --part test": "narrow.csv: ",
    "predict run copy.csv --part test": "--part test of copy.csv: the model was trained on houses.csv",
}


def test_what_is_wrong_is_said_in_a_line_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    assert run("train", "houses.csv", "--target", "price", *SMALL, "--out", "run")[0] == 0
    put("copy.csv")
    put("bad.csv", [*ROWS[:199], (*ROWS[0][:4], "dear")])
    put("narrow.csv", [(1,)], ("rooms",))
    put("bare.csv", [row[:4] for row in ROWS], NAMES[:4])
    put("holes.csv", [(*row[:4], "") for row in ROWS])
    put("empty.csv", [])
    Path("broken.parquet").write_bytes(b"PAR1" * 9)
    before = sorted(tmp_path.rglob("*"))
    for command, expected in BAD.items():
        extra = ["--out", "new"] if command.startswith("train") else []
        code, out, err = run(*command.split(), *extra)
        assert (code, out, err.count("\n")) == (2, "", 1), command
        assert err.startswith(f"pure-mlp {command.split()[0]}: ")
        assert expected in err
        assert sorted(tmp_path.rglob("*")) == before
