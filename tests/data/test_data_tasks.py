"""What labels are: guessed and said, or said and obeyed; columns at the edge of float32; endings in any case."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from pure_mlp.__main__ import main
from pure_mlp.cli.params import load_model
from pure_mlp.data.dataset import Task
from pure_mlp.data.load import load
from pure_mlp.data.standardize import fit_standardizer, standardize

np = pytest.importorskip("numpy", reason="numpy reads .npz")
N = 72
X = np.random.default_rng(0).normal(size=(N, 3))
SMALL = ["--epochs", "1", "--hidden", "4"]
LABELS: dict[str, object] = {
    "many integers": np.arange(N) // 2,
    "floats 0 and 1": np.arange(N) % 2.0,
    "floats 0, 1, 2": np.arange(N) % 3.0,
    "integers 0 and 1": np.arange(N) % 2,
    "bytes": np.array([b"no", b"yes"] * (N // 2)),
    "strings": np.array(["b", "a", "c"] * (N // 3)),
    "booleans": np.arange(N) % 2 == 0,
    "fractions": np.arange(N) % 4 / 4,
}
# labels: the guess, and what each of classes, binary and regression makes of them: the classes, or None where it is refused
ABC, TWO = ("a", "b", "c"), ("0", "1")
TASKS: dict[str, tuple[Task, dict[Task, tuple[str, ...] | None]]] = {
    "many integers": ("classes", {"classes": tuple(map(str, range(36))), "binary": None, "regression": ()}),
    "floats 0 and 1": ("regression", {"classes": TWO, "binary": TWO, "regression": ()}),
    "floats 0, 1, 2": ("regression", {"classes": ("0", "1", "2"), "binary": None, "regression": ()}),
    "integers 0 and 1": ("binary", {"classes": TWO, "binary": TWO, "regression": ()}),
    "bytes": ("binary", {"classes": ("no", "yes"), "binary": ("no", "yes"), "regression": None}),
    "strings": ("classes", {"classes": ABC, "binary": None, "regression": None}),
    "booleans": ("binary", {"classes": ("False", "True"), "binary": ("False", "True"), "regression": ()}),
    "fractions": ("regression", {"classes": ("0", "0.25", "0.5", "0.75"), "binary": None, "regression": ()}),
}


def npz(folder: Path, y: object, x: object = X, name: str = "d.npz") -> str:
    with (folder / name).open("wb") as file:
        np.savez(file, X=np.asarray(x), y=np.asarray(y))
    return str(folder / name)


@pytest.mark.parametrize("labels", TASKS)
def test_a_guess_is_said_and_a_task_is_obeyed(labels: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guess, expected = TASKS[labels]
    path = npz(tmp_path, LABELS[labels])
    assert main(["train", path, *SMALL]) == 0
    assert f"\ntask       {guess}, guessed from labels that are " in capsys.readouterr().out
    for task, classes in expected.items():
        out = tmp_path / task
        code = main(["train", path, "--task", task, "--out", str(out), *SMALL])
        printed = capsys.readouterr()
        assert (code, "guessed" in printed.out) == (2 if classes is None else 0, False)
        if classes is None:
            assert f"--task {task}" in printed.err
            continue
        setup = load_model(out).setup
        assert (setup.task, setup.classes) == (task, classes)
        assert main(["predict", str(out), path, "--csv", str(tmp_path / "p.csv")]) == 0
        with (tmp_path / "p.csv").open(newline="") as file:
            told = [row["label"] for row in csv.DictReader(file)]
        assert told[:3] == ([str(float(v)) for v in np.asarray(LABELS[labels])[:3]] if task == "regression" else told[:3])
        assert set(told) <= set(classes) or task == "regression"


def test_predict_reads_labels_as_the_model_was_taught(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "run")
    assert main(["train", npz(tmp_path, LABELS["strings"]), "--out", out, *SMALL]) == 0
    assert main(["predict", out, npz(tmp_path, ["b"] * N, name="one.npz")]) == 0  # one class alone
    assert main(["predict", out, npz(tmp_path, [b"b"] * N, name="bytes.npz")]) == 0
    assert main(["predict", out, npz(tmp_path, ["z"] * N, name="new.npz")]) == 2
    assert "row 0: expected a label of the training part (a, b, c), found z" in capsys.readouterr().err
    assert main(["predict", out, npz(tmp_path, LABELS["fractions"], name="f.npz")]) == 2


@pytest.mark.parametrize(("name", "task"), [("digits", "regression"), ("breast_cancer", "classes")])
def test_a_shipped_set_for_another_task(name: str, task: Task) -> None:
    data, known = load(name, task), load(name)
    assert data.task == task
    if task == "regression":
        assert data.y.dtype == torch.float32
        assert data.y[:, 0].tolist() == known.y.tolist()
    else:
        assert data.y.tolist() == known.y[:, 0].tolist()
        assert data.classes == known.classes


@pytest.mark.parametrize(("name", "task"), [("digits", "binary"), ("diabetes", "classes"), ("breast_cancer", "regression")])
def test_a_shipped_set_for_a_task_that_it_has_not(name: str, task: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", name, "--task", task]) == 2
    assert capsys.readouterr().err.endswith(f"and cannot be for --task {task}\n")


@pytest.mark.parametrize(
    "column", [[0.0, 1e-45], [1.0, 1.0], [0.0, 1e-39], [-1e-42, 1e-42], [1e38, -1e38], [1e-30, 2e-30]], ids=str
)
def test_a_column_at_the_edge_of_float32_trains(column: list[float], tmp_path: Path) -> None:
    x = X.copy()
    x[:, 1] = column * (N // 2)
    s = fit_standardizer(torch.from_numpy(x).to(torch.float32))
    assert standardize(s, torch.from_numpy(x).to(torch.float32)).isfinite().all()
    if max(map(abs, column)) < 1e-38:
        assert s.std[1].item() == 1
    assert main(["train", npz(tmp_path, x[:, 0], x), "--out", str(tmp_path / "run"), *SMALL]) == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_deviation_below_the_normal_numbers_is_1(dtype: torch.dtype) -> None:
    least = torch.finfo(dtype).smallest_normal * torch.finfo(dtype).eps
    x = torch.tensor([[0.0], [least]], dtype=dtype)
    assert fit_standardizer(x).std.tolist() == [1]


def test_a_value_that_overflows_once_standardised_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = X.copy()
    x[:, 1] = [1e-30, 2e-30] * (N // 2)
    out = str(tmp_path / "run")
    assert main(["train", npz(tmp_path, LABELS["fractions"], x), "--out", out, *SMALL]) == 0
    (tmp_path / "new.csv").write_text("1,1e-30,1\n1,1e30,1\n")
    assert main(["predict", out, str(tmp_path / "new.csv")]) == 2
    assert "new.csv: features: row 1, column 1: 1e+30 is not finite once standardised" in capsys.readouterr().err
    x[:, 1] = [3.4e38, -3.4e38, -3.4e38] * (N // 3)
    assert main(["train", npz(tmp_path, LABELS["fractions"], x)]) == 2
    said = capsys.readouterr().err
    assert "column 1" in said
    assert "--lr" not in said
    with pytest.raises(ValueError, match=r"fit_standardizer: column 0: mean 0 and deviation inf, expected finite ones"):
        fit_standardizer(torch.tensor([[1e300], [-1e300]], dtype=torch.float64))


def test_endings_in_any_case(tmp_path: Path) -> None:
    path, out = npz(tmp_path, LABELS["fractions"], name="UP.NPZ"), str(tmp_path / "run")
    assert main(["train", path, "--out", out, *SMALL]) == 0
    (tmp_path / "UP.CSV").write_text("1,2,3\n")
    assert main(["predict", out, str(tmp_path / "UP.CSV")]) == 0
    folder = tmp_path / "idx"
    folder.mkdir()
    for part in ("TRAIN", "T10K"):
        (folder / f"{part}-IMAGES-IDX3-UBYTE").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 3, 4]))
        (folder / f"{part}-Labels.idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]))
    assert load(str(folder)).classes == ("0", "1")
