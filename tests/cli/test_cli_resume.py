"""A run that stops and goes on comes to the same bits as one that never stopped, wherever it is stopped."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import attrs
import pytest
import torch
from stress.kill import killed_at_random

from pure_mlp import tree_items
from pure_mlp.__main__ import main
from pure_mlp.cli.checkpoint import Run, resume, start
from pure_mlp.cli.folder import epoch_files
from pure_mlp.cli.model import Model
from pure_mlp.cli.params import NAME, load_model, read, save
from pure_mlp.cli.prepared import prepare
from pure_mlp.cli.request import parts_of
from pure_mlp.cli.scores import scores
from pure_mlp.data.load import load
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS

SMALL = ["--hidden", "8", "--f", "tanh"]


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw them takes four times as long as to train."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def train(out: Path, *flags: str, data: str = "diabetes") -> int:
    return main(["train", data, "--out", str(out), *SMALL, *flags])


def bits(out: Path) -> tuple[dict[str, bytes], list[list[float]], object]:
    tensors, rows = read(out, lambda model, tensors, training: (tensors, training["rows"]))
    kept = json.loads((out / "metrics.json").read_text())
    values = {name: bytes(t.flatten().view(torch.uint8).tolist()) for name, t in tensors.items()}
    return values, [row[:-1] for row in rows], (kept["epoch"], kept["metrics"])


@pytest.mark.parametrize("engine", ["pure", "plan"])
@pytest.mark.parametrize("optimizer", OPTIMIZER_ROWS)
def test_a_resumed_run_has_the_same_bits(engine: str, optimizer: str, tmp_path: Path) -> None:
    flags = ["--engine", engine, "--optimizer", optimizer, "--lr", "0.003"]
    assert train(tmp_path / "whole", *flags, "--epochs", "6") == 0
    for epochs in ("1", "4", "6"):
        assert train(tmp_path / "parts", *flags, "--epochs", epochs, "--resume") == 0
    assert bits(tmp_path / "parts") == bits(tmp_path / "whole")
    lines = [(tmp_path / name / "metrics.csv").read_text().splitlines() for name in ("parts", "whole")]
    assert [line.rsplit(",", 1)[0] for line in lines[0]] == [line.rsplit(",", 1)[0] for line in lines[1]]


@pytest.mark.parametrize("data", ["digits", "breast_cancer"])
def test_other_tasks_too(data: str, tmp_path: Path) -> None:
    flags = ["--batch", "100"]
    assert train(tmp_path / "whole", *flags, "--epochs", "3", data=data) == 0
    for epochs in ("2", "3"):
        assert train(tmp_path / "parts", *flags, "--epochs", epochs, "--resume", data=data) == 0
    assert bits(tmp_path / "parts") == bits(tmp_path / "whole")


def test_early_stopping_goes_on_too(tmp_path: Path) -> None:
    flags = ["--patience", "2", "--lr", "0.02"]
    assert train(tmp_path / "whole", *flags, "--epochs", "200") == 0
    stopped = len(bits(tmp_path / "whole")[1])
    assert 4 < stopped < 200
    for epochs in (2, stopped - 2, stopped - 1, 200, 200):
        assert train(tmp_path / "parts", *flags, "--epochs", str(epochs), "--resume") == 0
    assert bits(tmp_path / "parts") == bits(tmp_path / "whole")


def test_a_finished_run_has_nothing_to_do_and_stays(tmp_path: Path) -> None:
    assert train(tmp_path, "--epochs", "2") == 0
    before = bits(tmp_path)
    (tmp_path / "metrics.json").unlink()
    assert train(tmp_path, "--epochs", "2", "--resume") == 0
    assert bits(tmp_path) == before


def test_another_run_is_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert train(out, "--epochs", "1") == 0
    before = bits(out)
    others = {
        "lr 0.001, this one 0.5": ["--lr", "0.5"],
        "seed 0, this one 1": ["--seed", "1"],
        "sizes (10, 8, 1), this one (10, 9, 1)": ["--hidden", "9"],
        "optimizer adam, this one sgd": ["--optimizer", "sgd"],
        "f tanh, this one relu": ["--f", "relu"],
        "patience None, this one 3": ["--patience", "3"],
    }
    for expected, flags in others.items():
        capsys.readouterr()
        assert train(out, "--resume", *flags) == 2
        assert expected in capsys.readouterr().err
    assert main(["train", "diabetes", "--resume"]) == 2
    assert main(["train", "diabetes", "--resume", "--overwrite", "--out", str(out)]) == 2
    assert bits(out) == before


def test_other_data_under_the_same_name_are_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np = pytest.importorskip("numpy", reason="numpy reads .npz")
    data, x = tmp_path / "d.npz", np.random.default_rng(0).normal(size=(50, 3))
    np.savez(data, X=x, y=x[:, 0])
    assert train(tmp_path / "run", "--epochs", "1", data=str(data)) == 0
    np.savez(data, X=x + 1e-3, y=x[:, 0])
    assert train(tmp_path / "run", "--epochs", "2", "--resume", data=str(data)) == 2
    assert "are others than those of the run in" in capsys.readouterr().err


def begun(out: Path) -> tuple[Run, Model]:
    model = load_model(out)
    examples = prepare(model, load("diabetes"))
    run = start(model, {"training": examples}, torch.Generator())
    return run, model


@pytest.mark.parametrize("cut", [0, 7, 100, -200, -1])
def test_a_cut_checkpoint_is_refused(cut: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path, "--epochs", "1") == 0
    path = tmp_path / "params.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    capsys.readouterr()
    assert train(tmp_path, "--epochs", "2", "--resume") == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"pure-mlp train: {path}: not a file that pure_mlp wrote, or damaged since (cut short")
    assert printed.out == ""


def test_a_checkpoint_without_its_run_is_refused(tmp_path: Path) -> None:
    assert train(tmp_path, "--epochs", "1") == 0
    run, model = begun(tmp_path)
    save(tmp_path / NAME, model)
    with pytest.raises(ValueError, match=r"not a model written by pure-mlp train \('NoneType'"):
        resume(tmp_path, run, model)


def test_the_run_that_is_read_is_the_one_that_was_written(tmp_path: Path) -> None:
    assert train(tmp_path, "--epochs", "2") == 0
    run, model = begun(tmp_path)
    kept = read(tmp_path, lambda model, tensors, training: training["data"])
    again = resume(tmp_path, attrs.evolve(run, data=kept), model)
    assert [row.epoch for row in again.rows] == [1, 2]
    assert again.carry[1].counts[0].item() == 2 * 23
    assert all(torch.equal(t, u) for (_, t), (_, u) in zip(tree_items(again.best), tree_items(model.params)))


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 of POSIX")
def test_killed_at_random_moments_a_run_is_whole_and_goes_on() -> None:
    assert killed_at_random(times=3, seed=1) >= 3


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "metrics.csv").open(newline="") as file:
        return [*csv.DictReader(file)]


@pytest.mark.parametrize("val", ["0.25", "held.npz"])
def test_validation_has_a_curve_and_the_best_epoch_is_kept(val: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if val == "held.npz":
        np, held = pytest.importorskip("numpy", reason="numpy reads .npz"), load("diabetes")
        np.savez(val, X=held.x[:50].numpy(), y=held.y[:50].flip(0).numpy())
    flags = ["--val", val, "--lr", "0.05", "--save-every", "10"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(whole, *flags, "--epochs", "40") == 0
    losses = [float(row["validation_loss"]) for row in rows_of(whole)]
    assert [*rows_of(whole)[0]] == ["epoch", "train_loss", "validation_loss", "validation_rmse", "seconds"]
    best = losses.index(min(losses))
    assert (len(losses), best < 39) == (40, True)

    kept = json.loads((whole / "metrics.json").read_text())
    assert (kept["epoch"], kept["metrics"]["validation"]["loss"]) == (best + 1, losses[best])
    assert kept["metrics"]["validation"]["examples"] == (88 if val == "0.25" else 50)
    assert epoch_files(whole) == [f"epoch-{n}.safetensors" for n in (10, 20, 30, 40)]
    model = load_model(whole)
    part = parts_of(model.setup, load("diabetes"), torch.Generator().manual_seed(0))["validation"]
    assert scores(model, prepare(model, part)).loss == losses[best]
    for n in (10, 20, 30, 40):
        then = load_model(whole / f"epoch-{n}.safetensors")
        assert scores(then, prepare(then, part)).loss == losses[n - 1]

    for epochs in (3, best + 2, 40):
        assert train(parts, *flags, "--epochs", str(epochs), "--resume") == 0
    assert bits(parts) == bits(whole)
    assert all((parts / name).read_bytes() == (whole / name).read_bytes() for name in epoch_files(whole))
    assert train(parts, *flags, "--epochs", "1") == 2
    assert train(parts, "--epochs", "1", "--overwrite") == 0
    assert epoch_files(parts) == []


@pytest.mark.parametrize(
    ("val", "said"),
    [
        ("1.5", "'1.5' is not between 0 and 1"),
        ("nan", "'nan' is not a number above 0"),
        ("0.0001", "fraction 0.0001 of 354 examples"),
        ("nothing.npz", "nothing.npz: expected an .npz file, found no such file"),
        ("digits", "digits: features (1797, 64), the model takes (*, 10)"),
        ("narrow.npz", "features (50, 3), the model takes (*, 10)"),
    ],
)
def test_a_validation_part_that_cannot_be_is_refused(
    val: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if val.endswith(".npz"):
        np = pytest.importorskip("numpy", reason="numpy reads .npz")
    if val == "narrow.npz":
        np.savez(val, X=np.ones((50, 3)), y=np.arange(50.0))
    assert train(tmp_path / "run", "--val", val) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.err.count("\n"), (tmp_path / "run").exists()) == (1, False)


def test_a_run_killed_before_its_best_epoch_is_over_goes_on_with_the_best(tmp_path: Path) -> None:
    """The params that are kept come from the file, and later epochs that are worse leave them alone."""
    flags = ["--val", "0.2", "--lr", "0.05"]
    assert train(tmp_path, *flags, "--epochs", "40") == 0
    before = load_model(tmp_path).params
    assert train(tmp_path, *flags, "--epochs", "41", "--resume") == 0
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(tree_items(before), tree_items(load_model(tmp_path).params)))
