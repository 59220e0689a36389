"""The command line: what it trains, writes, reads back and refuses; run in this process, and in others where that is the point."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import attrs
import pytest
import torch
from kept import KEPT
from natively import needs_compiler
from safetensors.torch import load_file
from torch import Generator, Tensor

from pure_mlp import tree_items
from pure_mlp.__main__ import main
from pure_mlp.cli.anatomy import anatomy
from pure_mlp.cli.model import Model, net_of
from pure_mlp.cli.params import load_model
from pure_mlp.cli.parser import parser
from pure_mlp.cli.prepared import encode, prepare
from pure_mlp.cli.request import parts_of, setup_of
from pure_mlp.cli.scores import Scores, scores
from pure_mlp.cli.setup import FITTING
from pure_mlp.data.dataset import Dataset
from pure_mlp.data.load import load
from pure_mlp.data.standardize import Standardizer, standardize
from pure_mlp.registry.functions import ACTIVATIONS, LOSSES
from pure_mlp.saving.files import replace_file

HANDOUT = [("relu", "identity", "mse"), ("sigmoid", "sigmoid", "mse"), ("sigmoid", "sigmoid", "bce"), ("relu", "sigmoid", "bce")]
SMALL = ["--hidden", "8", "--epochs", "3"]
BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("rich", "matplotlib", "numpy"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
from pure_mlp.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def run(*arguments: str) -> int:
    return main(arguments)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [*csv.DictReader(file)]


def process(*command: str, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def on_test_part(out: Path) -> tuple[Model, Dataset, Scores]:
    model = load_model(out)
    part = parts_of(model.setup, load(model.setup.data), Generator().manual_seed(model.setup.seed))["test"]
    return model, part, scores(model, prepare(model, part))


def test_data_are_prepared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features and labels of each part, for all epochs and scores together; and so for predictions and their scores."""
    rows: list[int] = []

    def counted(s: Standardizer, x: Tensor) -> Tensor:
        rows.append(len(x))
        return standardize(s, x)

    monkeypatch.setattr("pure_mlp.cli.prepared.standardize", counted)
    assert run("train", "diabetes", "--val", "0.1", "--out", str(tmp_path), *SMALL) == 0
    assert rows == [319, 319, 35, 35, 88, 88]
    rows.clear()
    assert run("predict", str(tmp_path), "diabetes", "--part", "test") == 0
    assert rows == [88, 88]


@pytest.mark.parametrize("data", ["digits", "breast_cancer", "diabetes"])
@pytest.mark.parametrize(("f", "g", "loss"), HANDOUT)
def test_every_case_of_the_handout_trains(data: str, f: str, g: str, loss: str, tmp_path: Path) -> None:
    flags = ["--f", f, "--g", g, "--loss", loss, "--out", str(tmp_path), "--lr", "0.003", *SMALL]
    if data == "diabetes" and loss == "bce":
        assert run("train", data, *flags) == 2
        return
    assert run("train", data, *flags) == 0
    losses = [float(row["train_loss"]) for row in table(tmp_path / "metrics.csv")]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    assert min(float(row["seconds"]) for row in table(tmp_path / "metrics.csv")) > 0


@pytest.mark.parametrize(
    ("data", "loss", "g"),
    [
        (data, loss, g)
        for data, task in (("digits", "classes"), ("breast_cancer", "binary"), ("diabetes", "regression"))
        for loss in LOSSES
        for g in ACTIVATIONS
    ],
)
def test_a_combination_runs_or_is_refused_in_one_line(data: str, loss: str, g: str, capsys: pytest.CaptureFixture[str]) -> None:
    task = load(data).task
    code = run("train", data, "--loss", loss, "--g", g, "--epochs", "1", "--batch", "500", "--hidden", "4")
    printed = capsys.readouterr()
    if g in FITTING[task].get(loss, ()):
        assert code == 0
    else:
        assert (code, printed.out, printed.err.count("\n")) == (2, "", 1)
        assert printed.err.startswith("pure-mlp train: ")
        assert f"loss {loss}" in printed.err


@pytest.mark.parametrize("data", ["digits", "breast_cancer", "diabetes"])
def test_the_files_agree_and_are_read_back_equal(data: str, tmp_path: Path) -> None:
    assert run("train", data, "--out", str(tmp_path), *SMALL) == 0
    assert {path.name for path in tmp_path.iterdir()} == KEPT
    model, _, again = on_test_part(tmp_path)
    written = load_file(tmp_path / "params.safetensors")
    names = {"0.weight", "0.bias", "1.weight", "1.bias", "inputs.mean", "inputs.std"}
    assert {name for name in written if not name.startswith(("targets.", "training."))} == names
    assert ("targets.mean" in written) == (data == "diabetes")
    assert all(torch.equal(t, written[name]) for name, t in tree_items(model.params))

    kept = json.loads((tmp_path / "metrics.json").read_text())
    assert kept["epoch"] == 3
    assert (kept["engine"], kept["compile_seconds"]) == ("plan", 0.0)
    assert kept["versions"]["torch"] == torch.__version__
    assert kept["metrics"]["test"] == attrs.asdict(again, filter=lambda _, value: value is not None)
    last = table(tmp_path / "metrics.csv")[-1]
    metric = "rmse" if data == "diabetes" else "accuracy"
    assert [*last] == ["epoch", "train_loss", "test_loss", f"test_{metric}", "seconds"]
    assert (float(last["test_loss"]), float(last[f"test_{metric}"])) == (again.loss, kept["metrics"]["test"][metric])
    assert "curves.png" not in KEPT or (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("data", ["digits", "breast_cancer", "diabetes"])
def test_predict_reproduces_the_metrics(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", data, "--out", str(tmp_path / "run"), *SMALL) == 0
    kept = json.loads((tmp_path / "run" / "metrics.json").read_text())["metrics"]["test"]
    capsys.readouterr()
    assert run("predict", str(tmp_path / "run"), data, "--part", "test", "--csv", str(tmp_path / "p.csv")) == 0
    printed, rows = capsys.readouterr().out, table(tmp_path / "p.csv")
    assert len(rows) == kept["examples"]
    if data == "diabetes":
        errors = [float(row["prediction [points of disease progression]"]) - float(row["label"]) for row in rows]
        assert (sum(e * e for e in errors) / len(errors)) ** 0.5 == pytest.approx(kept["rmse"], rel=1e-6)
        assert f"{kept['rmse']:.4g}" in printed
    else:
        assert sum(row["prediction"] == row["label"] for row in rows) / len(rows) == kept["accuracy"]
        assert f"{100 * kept['accuracy']:.2f} %" in printed
        classes = load(data).classes
        assert all(sum(float(row[f"p({name})"]) for name in classes) == pytest.approx(1, abs=1e-5) for row in rows)


def test_predict_on_features_alone_and_on_arrays(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy", reason="numpy reads .npz")

    data = load("breast_cancer")
    out, new = str(tmp_path / "run"), tmp_path / "new.csv"
    assert run("train", "breast_cancer", "--out", out, *SMALL) == 0
    with new.open("w", newline="") as file:
        csv.writer(file).writerows([[f"feature {i}" for i in range(30)], *data.x[:40].tolist()])
    named = np.array(data.classes)[data.y[:40, 0].to(torch.int64).numpy()]
    np.savez(tmp_path / "new.npz", X=data.x[:40].numpy(), y=named)
    assert [*load(str(tmp_path / "new.npz")).classes] == sorted(data.classes) != [*data.classes]
    for source, target in ((str(new), "a.csv"), (str(tmp_path / "new.npz"), "b.csv"), ("breast_cancer", "c.csv")):
        assert run("predict", out, source, "--csv", str(tmp_path / target)) == 0
    a, b, c = (table(tmp_path / f"{name}.csv")[:40] for name in "abc")
    assert all("label" not in row for row in a)
    assert [row["label"] for row in b] == [row["label"] for row in c]
    for rows in (a, b):
        assert [row["prediction"] for row in rows] == [row["prediction"] for row in c]
        assert [float(row["p(benign)"]) for row in rows] == pytest.approx([float(row["p(benign)"]) for row in c], rel=1e-5)


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path) -> None:
    flags = ["--patience", "2", "--epochs", "200", "--lr", "0.02", "--out", str(tmp_path)]
    assert run("train", "diabetes", *flags) == 0
    rows = table(tmp_path / "metrics.csv")
    losses = [float(row["validation_loss"]) for row in rows]
    assert len(rows) < 200
    assert losses.index(min(losses)) == len(losses) - 3
    kept = json.loads((tmp_path / "metrics.json").read_text())
    assert kept["epoch"] == len(rows) - 2
    assert kept["metrics"]["validation"]["loss"] == min(losses)
    assert on_test_part(tmp_path)[2].loss == kept["metrics"]["test"]["loss"]


@pytest.mark.parametrize("flags", [[], ["--engine", "pure"], ["--engine", "plan"]], ids=" ".join)
def test_the_engine_that_ran_is_printed_and_kept(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "diabetes", *SMALL, *flags, "--out", str(tmp_path / "run")) == 0
    ran = flags[-1] if flags else "plan"
    assert f"\nengine     {ran}\n" in capsys.readouterr().out
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["engine"] == ran
    assert run("train", "diabetes", *SMALL, "--engine", "pure", "--out", str(tmp_path / "pure")) == 0
    ours, pure = (table(tmp_path / name / "metrics.csv") for name in ("run", "pure"))
    for a, b in zip(ours, pure, strict=True):
        assert float(a["train_loss"]) == pytest.approx(float(b["train_loss"]), rel=1e-4)


def test_native_without_a_compiler_is_one_line_and_a_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert run("train", "diabetes", *SMALL, "--engine", "native", "--out", str(tmp_path)) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines()[0].startswith("pure-mlp train: the step is planned but not made native: native: no C compiler")
    assert printed.err.count("pure-mlp train") == 1
    assert "\nengine     plan\n" in printed.out


@needs_compiler
def test_native_says_how_long_it_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for expected in (r"native \(compiled in \d+\.\d s\)", "native"):
        assert run("train", "diabetes", *SMALL, "--engine", "native", "--overwrite", "--out", str(tmp_path / "run")) == 0
        assert re.search(f"\nengine     {expected}\n", capsys.readouterr().out)
        kept = json.loads((tmp_path / "run" / "metrics.json").read_text())
        assert (kept["engine"], kept["compile_seconds"] > 0) == ("native", expected != "native")
    assert on_test_part(tmp_path / "run")[2].rmse == kept["metrics"]["test"]["rmse"]


def test_ctrl_c_leaves_the_files_of_the_last_finished_epoch_whole(tmp_path: Path) -> None:
    training = process("-m", "pure_mlp", "train", "diabetes", "--epochs", "1000000", "--out", "run", folder=tmp_path)
    while not (tmp_path / "run" / "metrics.json").exists():
        assert training.poll() is None
        time.sleep(0.02)
    training.send_signal(signal.SIGINT)
    _, errors = training.communicate(timeout=60)
    assert training.returncode == 130
    rows = table(tmp_path / "run" / "metrics.csv")
    assert errors.splitlines()[-1] == f"pure-mlp train: interrupted after epoch {len(rows)}; run holds the files of that epoch"
    assert "Traceback" not in errors
    assert {p.name for p in (tmp_path / "run").iterdir()} == KEPT
    kept = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert kept["epoch"] == len(rows) == int(rows[-1]["epoch"])
    again = on_test_part(tmp_path / "run")[2]
    assert (again.loss, again.rmse) == (float(rows[-1]["test_loss"]), float(rows[-1]["test_rmse"]))
    assert kept["metrics"]["test"]["loss"] == again.loss


def test_without_the_extras_everything_still_runs(tmp_path: Path) -> None:
    for arguments in (["train", "diabetes", "--epochs", "2", "--out", "run"], ["predict", "run", "diabetes"]):
        plain = process("-c", BLOCKED, *arguments, folder=tmp_path)
        printed, errors = plain.communicate(timeout=60)
        assert (plain.returncode, "Traceback" in errors) == (0, False)
        if arguments[0] == "train":
            assert sum("pip install 'pure-mlp[cli]'" in line for line in printed.splitlines()) == 1
            assert "epoch 2/2" in errors
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"params.safetensors", "metrics.csv", "metrics.json"}
    kept = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert on_test_part(tmp_path / "run")[2].rmse == kept["metrics"]["test"]["rmse"]


def test_whoever_reads_a_file_while_it_is_replaced_reads_the_old_one(tmp_path: Path) -> None:
    replace_file(tmp_path / "a", b"old, whole")
    with (tmp_path / "a").open("rb") as file:
        replace_file(tmp_path / "a", b"new, whole")
        assert file.read() == b"old, whole"
    assert (tmp_path / "a").read_bytes() == b"new, whole"


def test_a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_file(tmp_path / "a", b"old, whole")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        replace_file(tmp_path / "a", b"new, whole")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old, whole")]


def test_the_parts_are_disjoint_and_together_everything() -> None:
    data = load("diabetes")
    setup = setup_of(parser().parse_args(["train", "diabetes", "--patience", "1"]), data)
    numbered = attrs.evolve(data, y=torch.arange(len(data.x)).unsqueeze(1))
    parts = parts_of(setup, numbered, Generator().manual_seed(0))
    assert [*parts] == ["training", "validation", "test"]
    assert [len(part.x) for part in parts.values()] == [319, 35, 88]
    assert torch.cat([part.y for part in parts.values()]).sort(0).values.equal(numbered.y)


def test_a_diverging_run_keeps_the_last_finite_epoch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--optimizer", "sgd", "--lr", "3", "--f", "identity", "--hidden", "8", "--epochs", "500", "--out", str(tmp_path)]
    assert run("train", "diabetes", *flags) == 2
    assert "try a smaller --lr than 3" in capsys.readouterr().err
    rows = table(tmp_path / "metrics.csv") if (tmp_path / "metrics.csv").exists() else []
    assert all(float(row["train_loss"]) < float("inf") for row in rows)
    assert not rows or json.loads((tmp_path / "metrics.json").read_text())["epoch"] == len(rows)


def test_the_program_ends_as_programs_do(tmp_path: Path) -> None:
    helped = process("-m", "pure_mlp", "train", "--help", folder=tmp_path)
    assert "--test-fraction" in helped.communicate(timeout=60)[0]
    wrong = process("-m", "pure_mlp", "train", "--f", "cube", folder=tmp_path)
    assert wrong.communicate(timeout=60)[1].startswith("pure-mlp train: argument --f: invalid choice: 'cube'")
    with process("-m", "pure_mlp", "check", folder=tmp_path) as piped:
        assert piped.stdout
        assert piped.stderr
        piped.stdout.close()
        assert piped.stderr.read() == ""
    assert (helped.wait(60), wrong.wait(60), piped.wait(60)) == (0, 2, 141)


def test_the_bytes_kept_are_those_of_the_distinct_tensors(tmp_path: Path) -> None:
    assert run("train", "digits", "--hidden", "48", "16", "--epochs", "1", "--out", str(tmp_path)) == 0
    net, params = net_of(load_model(tmp_path).setup, Generator())
    parts = anatomy(net, params, torch.ones(32, 64))
    assert [part.kept for part in parts] == [4 * 32 * (64 + 48), 4 * 32 * 16, 4 * 32 * 10]
    assert [part.parameters for part in parts] == [65 * 48, 49 * 16, 17 * 10]
    assert [(part.input, part.output) for part in parts] == [((32, 64), (32, 48)), ((32, 48), (32, 16)), ((32, 16), (32, 10))]


@pytest.mark.parametrize(("g", "low", "high"), [("sigmoid", 0.0, 1.0), ("tanh", -1.0, 1.0), ("relu", 0.0, None)])
def test_regression_labels_are_mapped_into_the_range_of_g(g: str, low: float, high: float | None, tmp_path: Path) -> None:
    assert run("train", "diabetes", "--g", g, "--out", str(tmp_path), "--epochs", "20", "--lr", "0.003") == 0
    model, _, reached = on_test_part(tmp_path)
    training = parts_of(model.setup, load("diabetes"), Generator().manual_seed(0))["training"]
    targets = encode(model, training)
    assert targets.min().item() == pytest.approx(low, abs=1e-6)
    assert high is None or targets.max().item() == pytest.approx(high, abs=1e-6)
    assert reached.r2 is not None
    assert reached.r2 > 0.3


@pytest.mark.parametrize("seed", [0, 1])
def test_digits_reach_97_percent_with_the_defaults(seed: int, tmp_path: Path) -> None:
    """80 / 20 split drawn by the seed."""
    assert run("train", "--seed", str(seed), "--out", str(tmp_path)) == 0
    _, part, reached = on_test_part(tmp_path)
    assert len(part.x) == 359
    assert reached.accuracy is not None
    assert reached.accuracy >= 0.97
