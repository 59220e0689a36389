"""Arrays in an .npz: every task, and what is wrong with them named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from pure_mlp.data.load import load

np = pytest.importorskip("numpy", reason="numpy reads .npz")


def message(path: str) -> str:
    """What is said of a file, in one line."""
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as caught:
        load(path)
    return str(caught.value)


X = np.arange(12).reshape(4, 3)


def save(path: Path, **arrays: object) -> str:
    np.savez(path / "a.npz", **{name: np.asarray(array) for name, array in arrays.items()})
    return str(path / "a.npz")


@pytest.mark.parametrize(
    ("y", "task", "classes", "expected"),
    [
        ([0.5, 1.0, -2.0, 3.0], "regression", (), [[0.5], [1.0], [-2.0], [3.0]]),
        (np.array([[1], [2], [3], [4]], dtype=np.float16), "regression", (), [[1.0], [2.0], [3.0], [4.0]]),
        ([0, 1, 1, 0], "binary", ("0", "1"), [[0.0], [1.0], [1.0], [0.0]]),
        ([7, -1, -1, 7], "binary", ("-1", "7"), [[1.0], [0.0], [0.0], [1.0]]),
        ([True, False, True, True], "binary", ("False", "True"), [[1.0], [0.0], [1.0], [1.0]]),
        (["dog", "cat", "cat", "dog"], "binary", ("cat", "dog"), [[1.0], [0.0], [0.0], [1.0]]),
        (np.array([2, 0, 1, 2], dtype=np.uint8), "classes", ("0", "1", "2"), [2, 0, 1, 2]),
        ([[10], [9], [200], [9]], "classes", ("9", "10", "200"), [1, 0, 2, 0]),
    ],
)
@pytest.mark.parametrize("parts", [False, True])
def test_npz_of_every_task(
    tmp_path: Path, y: object, task: str, classes: tuple[str, ...], expected: list[object], parts: bool
) -> None:
    half = {"x_test": X[:2] + 1, "y_test": np.asarray(y)[:2]}
    data = load(save(tmp_path, x_train=X, y_train=y, **half) if parts else save(tmp_path, X=X, y=y))
    assert (data.task, data.classes) == (task, classes)
    assert data.y.tolist() == expected
    assert data.y.dtype == (torch.int64 if task == "classes" else torch.float32)
    assert data.x.dtype == torch.float32
    assert data.x.tolist() == X.tolist()
    assert (data.test is not None) == parts
    if data.test is not None:
        assert (data.test.task, data.test.classes, data.test.y.dtype) == (task, classes, data.y.dtype)
        assert data.test.y.tolist() == expected[:2]
        assert data.test.x.tolist() == (X[:2] + 1).tolist()


@pytest.mark.parametrize("dtype", ["bool", "u1", "<i8", ">i4", "u8", "f2", ">f8"])
def test_npz_features_of_any_numbers_and_dimensions(tmp_path: Path, dtype: str) -> None:
    for shape in ((4, 6), (4, 2, 3)):
        images = np.asfortranarray(np.arange(24).reshape(shape) % 2).astype(dtype)
        data = load(save(tmp_path, X=images, y=[0, 1, 2, 0]))
        assert data.x.tolist() == (np.arange(24).reshape(4, 6) % 2).tolist()
        assert data.x.is_contiguous()


NAMES = "expected the arrays x_train, y_train and perhaps x_test, y_test, or X, y, found"
TEST = {"x_train": X, "y_train": [0, 1, 2, 0], "x_test": X}
SPOILT = X.astype(np.float64)
SPOILT[2, 1], SPOILT[3, 0] = np.inf, np.nan
DAMAGED_NPZ: dict[str, tuple[dict[str, object], str]] = {
    "no arrays": ({}, f"{NAMES} none"),
    "other arrays": ({"a": X, "y": X}, f"{NAMES} a, y"),
    "no labels": ({"x_train": X, "x_test": X, "y_test": X}, f"{NAMES} x_train, x_test, y_test"),
    "half a test": (TEST, f"{NAMES} x_train, y_train, x_test"),
    "X and a test": ({"X": X, "y": X, "x_test": X, "y_test": X}, f"{NAMES} X, y, x_test, y_test"),
    "rows": ({"X": X, "y": [1, 2, 3]}, "y: expected shape (4,) or (4, 1), a label for each row of features, found (3,)"),
    "one hot": ({"X": X, "y": np.eye(4)}, "y: expected shape (4,) or (4, 1), a label for each row of features, found (4, 4)"),
    "a row": ({"X": X, "y": [[0, 1, 2, 3]]}, "y: expected shape (4,) or (4, 1), a label for each row of features, found (1, 4)"),
    "flat": ({"X": [1, 2], "y": [0, 1]}, "X: expected shape (n, features) with at least one of each, found (2,)"),
    "empty": ({"X": X[:0], "y": []}, "X: expected shape (n, features) with at least one of each, found (0, 3)"),
    "no features": ({"X": X[:, :0], "y": [0, 1, 2, 3]}, "X: expected shape (n, features) with at least one of each, found (4, 0)"),
    "text": ({"X": [["a"], ["b"]], "y": [0, 1]}, "X: expected numbers, found <U1"),
    "complex labels": ({"X": X, "y": [1j, 2, 3, 4]}, "y: expected numbers, booleans or strings, found complex128"),
    "one label": ({"X": X, "y": [5, 5, 5, 5]}, "y: expected at least two different labels, found only 5"),
    "inf": ({"X": SPOILT, "y": [0, 1, 2, 3]}, "X: row 2, column 1: expected a number that is finite in float32, found inf"),
    "nan": ({"X": X, "y": [0.0, 1.0, np.nan, 2.0]}, "y: row 2, column 0: expected a number that is finite in float32, found nan"),
    "too large": (
        {"x_train": X, "y_train": [0, 1, 2, 0], "x_test": [[0.0, -1e300, 0.0]], "y_test": [0]},
        "x_test: row 0, column 1: expected a number that is finite in float32, found -inf",
    ),
    "features": (TEST | {"x_test": X[:, :2], "y_test": [0, 1, 2, 0]}, "x_test: expected 3 features as in x_train, found 2"),
    "new label": (
        TEST | {"y_test": [0, 1, 5, 0]},
        "y_test: row 2: expected a label of the training part (0, 1, 2), found 5",
    ),
    "fractions": (
        TEST | {"y_test": [0.0, 1.0, 2.5, 0.0]},
        "y_test: row 2: expected a label of the training part (0, 1, 2), found 2.5",
    ),
    "strings as values": (
        TEST | {"y_train": [0.5, 1.0, 2.5, 0.0], "y_test": ["a", "b", "c", "d"]},
        "y_test: expected numbers (regression), found strings",
    ),
}


@pytest.mark.parametrize("damage", DAMAGED_NPZ)
def test_wrong_arrays_in_an_npz_are_named(tmp_path: Path, damage: str) -> None:
    arrays, expected = DAMAGED_NPZ[damage]
    path = save(tmp_path, **arrays)
    assert message(path) == f"{path}: {expected}"


def test_a_damaged_npz_is_named(tmp_path: Path) -> None:
    path = Path(save(tmp_path, X=X, y=[0, 1, 2, 3]))
    whole = path.read_bytes()
    for content in (b"", b"hello", whole[:100], whole[:-10]):
        path.write_bytes(content)
        found = f"{path}: expected an .npz file, found {len(content)} bytes of another kind or a truncated file"
        assert message(str(path)) == found
    middle = whole.index(b"NUMPY") + 150
    path.write_bytes(whole[:middle] + b"??" + whole[middle + 2 :])
    assert message(str(path)) == (
        f"{path}: expected an .npz file of plain arrays, found a damaged or other one (Bad CRC-32 for file 'X.npy')"
    )
    np.savez(path, X=np.array([[1], [None]], dtype=object), y=[0, 1])
    assert message(str(path)).startswith(f"{path}: expected an .npz file of plain arrays, found")
    path.unlink()
    assert message(str(path)) == f"{path}: expected an .npz file, found no such file"


def test_npz_without_numpy_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, X=X, y=[0, 1, 2, 3])
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert message(path) == f"{path}: reading .npz needs numpy: pip install 'pure-mlp[cli]'"
