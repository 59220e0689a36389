"""Data: what is shipped is what the sources have, splits and standardisation obey their laws, damaged files are named."""

from __future__ import annotations

import gzip
import hashlib
import struct
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from pure_mlp.data.dataset import Dataset
from pure_mlp.data.embedded import EMBEDDED, embedded
from pure_mlp.data.load import load
from pure_mlp.data.split import split
from pure_mlp.data.standardize import fit_standardizer, standardize, unstandardize

# name: task, (n, d), classes, range of x, range of y, SHA-256 (16 digits) of x and of y as float32, taken from scikit-learn's files
SHIPPED = {
    "digits": ("classes", (1797, 64), 10, (0.0, 16.0), (0.0, 9.0), "a627aed550b0b29b", "39dc9965f0b58412"),
    "breast_cancer": ("binary", (569, 30), 2, (0.0, 4254.0), (0.0, 1.0), "ace340f3a4f89247", "bbe36bb38c0ea517"),
    "diabetes": ("regression", (442, 10), 0, (1.0, 301.0), (25.0, 346.0), "364d6af10d06ac7e", "64c6aa6f4027afae"),
}


def digest(x: Tensor) -> str:
    return hashlib.sha256(x.to(torch.float32).contiguous().numpy().astype("<f4").tobytes()).hexdigest()[:16]


def message(act: Callable[[], object]) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        act()
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_shipped_set_is_its_source(name: str) -> None:
    task, shape, classes, x_range, y_range, x_digest, y_digest = SHIPPED[name]
    data = load(name)
    assert (data.name, data.task, tuple(data.x.shape), len(data.classes)) == (name, task, shape, classes)
    assert data.x.dtype == torch.float32
    assert data.x.is_contiguous()
    assert (data.x.min().item(), data.x.max().item()) == x_range
    assert (data.y.min().item(), data.y.max().item()) == y_range
    assert (tuple(data.y.shape), data.y.dtype) == (
        ((shape[0],), torch.int64) if task == "classes" else ((shape[0], 1), torch.float32)
    )
    assert (digest(data.x), digest(data.y)) == (x_digest, y_digest)
    assert bool(data.unit) == (task == "regression")
    assert data.test is None


def test_breast_cancer_names_its_two_classes_in_the_order_of_y() -> None:
    data = load("breast_cancer")
    assert data.classes == ("malignant", "benign")
    assert int(data.y.sum()) == 357  # benign, by the description of the source


@pytest.mark.parametrize(
    ("name", "licence"), [("digits", "CC BY 4.0"), ("breast_cancer", "CC BY 4.0"), ("diabetes", "BSD-3-Clause")]
)
def test_sources_and_licences_are_named(name: str, licence: str) -> None:
    rows = [row for row in files("pure_mlp.data").joinpath("SOURCES.md").read_text().splitlines() if f"`{name}.csv.gz`" in row]
    source = load(name).source
    identity = source.split("doi:")[1].split(",")[0] if "doi:" in source else "Efron"
    assert len(rows) == 1
    assert licence in source
    assert licence in rows[0]
    assert identity in rows[0]


def test_shipped_sets_need_no_numpy() -> None:
    code = "import sys; sys.modules['numpy'] = None; from pure_mlp.data.load import load; print(len(load('digits').x))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1797\n"


def test_unknown_data(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2\n")
    wanted = "expected one of digits, breast_cancer, diabetes, or a path to a folder of idx files or to an .npz file, found"
    assert message(lambda: load("digit")) == f"data 'digit': {wanted} no such file or folder"
    assert message(lambda: load(str(tmp_path / "a.csv"))) == f"data '{tmp_path}/a.csv': {wanted} a file of another kind"
    assert message(lambda: embedded("mnist")) == "embedded data 'mnist', expected one of digits, breast_cancer, diabetes"


def numbered(n: int) -> Dataset:
    rows = torch.arange(n)
    test = Dataset("t", "classes", torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64), ("0",), "", "", None)
    return Dataset("numbered", "classes", torch.stack([rows, -rows], 1).to(torch.float32), rows, ("0",), "", "", test)


@settings(deadline=None)
@given(st.integers(2, 200), st.floats(0.01, 0.99), st.integers(0, 2**32))
def test_a_split_is_a_partition_drawn_by_the_generator(n: int, fraction: float, seed: int) -> None:
    data = numbered(n)
    if not 0 < round(n * fraction) < n:
        assert f"fraction {fraction} of {n} examples" in message(lambda: split(data, fraction, Generator()))
        return
    train, held = split(data, fraction, Generator().manual_seed(seed))
    again, held_again = split(data, fraction, Generator().manual_seed(seed))
    assert len(held.x) == round(n * fraction)
    assert sorted(train.y.tolist() + held.y.tolist()) == list(range(n))
    assert torch.equal(train.y, again.y)
    assert torch.equal(held.y, held_again.y)
    for part in (train, held):
        assert torch.equal(part.x, torch.stack([part.y, -part.y], 1).to(torch.float32))
    assert (train.test, held.test) == (data.test, None)
    assert torch.equal(data.y, torch.arange(n))


def test_a_split_is_shuffled_and_depends_on_the_seed() -> None:
    drawn = [split(numbered(500), 0.5, Generator().manual_seed(seed))[0].y.tolist() for seed in range(5)]
    assert len({tuple(y) for y in drawn}) == 5
    assert all(y != sorted(y) for y in drawn)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_split_has_two_parts(fraction: float) -> None:
    assert message(lambda: split(numbered(10), fraction, Generator())) == (
        f"split: fraction {fraction} of 10 examples, expected at least one example in each part"
    )


@settings(deadline=None)
@given(st.integers(2, 60), st.integers(1, 6), st.floats(-1e3, 1e3), st.floats(1e-2, 1e3), st.integers(0, 2**32))
def test_standardised_columns_have_mean_0_and_std_1(n: int, d: int, mean: float, std: float, seed: int) -> None:
    x = mean + std * torch.randn(n, d, generator=Generator().manual_seed(seed), dtype=torch.float64)
    x[0], x[1] = mean - std, mean + std  # so that no column is nearly constant
    s = fit_standardizer(x)
    z = standardize(s, x)
    torch.testing.assert_close(z.mean(0), torch.zeros(d, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(z.square().mean(0), torch.ones(d, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(unstandardize(s, z), x, atol=1e-9, rtol=1e-12)


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_standardiser_knows_the_training_part_only_and_is_inverted(name: str) -> None:
    train, held = split(load(name), 0.25, Generator().manual_seed(1))
    s = fit_standardizer(train.x)
    whole = fit_standardizer(load(name).x)
    assert not torch.equal(s.mean, whole.mean)
    z = standardize(s, train.x).to(torch.float64)
    varied = train.x.amax(0) > train.x.amin(0)
    torch.testing.assert_close(z.mean(0), torch.zeros_like(z[0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(z.square().mean(0), varied.to(torch.float64), atol=1e-5, rtol=0)
    for x in (train.x, held.x):
        scale = x.abs().amax(0).clamp(min=1e-30)
        assert ((unstandardize(s, standardize(s, x)) - x) / scale).abs().max().item() <= 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_constant_column_becomes_0(dtype: torch.dtype) -> None:
    x = torch.tensor([[0.1, 1.0], [0.1, 2.0], [0.1, 4.0]], dtype=dtype)
    s = fit_standardizer(x)
    assert s.std[0].item() == 1
    assert standardize(s, x)[:, 0].tolist() == [0, 0, 0]
    assert (s.mean.dtype, s.std.dtype) == (dtype, dtype)


def test_a_standardiser_refuses_other_shapes() -> None:
    s = fit_standardizer(torch.eye(2))
    for f, name in ((standardize, "standardize"), (unstandardize, "unstandardize")):
        assert message(lambda f=f: f(s, torch.ones(5, 3))) == f"{name}: x (5, 3), fitted on (*, 2)"  # type: ignore[misc]  # a default
    for shape in ((0, 2), (3,)):
        assert message(lambda shape=shape: fit_standardizer(torch.ones(shape))) == (  # type: ignore[misc]  # a default argument
            f"fit_standardizer: x {shape}, expected (n, d) with n >= 1"
        )


IMAGES = {"train": np.arange(60, dtype=np.uint8).reshape(5, 3, 4) * 4, "t10k": np.full((2, 3, 4), 255, dtype=np.uint8)}
LABELS = {"train": np.array([3, 0, 1, 2, 1], dtype=np.uint8), "t10k": np.array([2, 3], dtype=np.uint8)}


def idx(array: np.typing.NDArray[np.uint8]) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_folder(folder: Path, spelling: str = "-", zipped: bool = False, suffix: str = "") -> Path:
    for part in ("train", "t10k"):
        for kind, dims, array in (("images", 3, IMAGES[part]), ("labels", 1, LABELS[part])):
            content = idx(array)
            (folder / f"{part}-{kind}{spelling}idx{dims}-ubyte{suffix}").write_bytes(gzip.compress(content) if zipped else content)
    return folder


@pytest.mark.parametrize("spelling", ["-", "."])
@pytest.mark.parametrize(("zipped", "suffix"), [(False, ""), (True, ".gz"), (True, ""), (False, ".gz")])
def test_idx_folders_in_every_spelling(tmp_path: Path, spelling: str, zipped: bool, suffix: str) -> None:
    data = load(str(write_folder(tmp_path, spelling, zipped, suffix)))
    assert data.test is not None
    for part, name in ((data, "train"), (data.test, "t10k")):
        n = len(LABELS[name])
        assert (part.task, part.classes, part.unit) == ("classes", ("0", "1", "2", "3"), "")
        assert (part.x.dtype, part.y.dtype) == (torch.float32, torch.int64)
        assert torch.equal(part.x, torch.from_numpy(IMAGES[name].reshape(n, 12).astype(np.float32)) / 255)
        assert part.y.tolist() == LABELS[name].tolist()
    assert data.test.x.max().item() == 1


def put(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


TRAIN, T10K, TRAIN_LABELS, T10K_LABELS = (
    f"{part}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1") for part in ("train", "t10k")
)
DAMAGED_IDX: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (
        lambda folder: (folder / T10K).unlink(),
        "{0}: expected t10k-images-idx3-ubyte or t10k-images.idx3-ubyte, with or without .gz, found neither",
    ),
    "empty": (put(TRAIN, b""), f"{{0}}/{TRAIN}: expected the magic number 00000803, found an empty file"),
    "magic": (put(TRAIN, idx(LABELS["train"])), f"{{0}}/{TRAIN}: expected the magic number 00000803, found 00000801"),
    "labels' magic": (put(T10K_LABELS, b"P5 28 28"), f"{{0}}/{T10K_LABELS}: expected the magic number 00000801, found 50352032"),
    "header": (put(TRAIN, idx(IMAGES["train"])[:10]), f"{{0}}/{TRAIN}: expected a header of 16 bytes, found 10 bytes"),
    "truncated": (
        put(TRAIN, idx(IMAGES["train"])[:-1]),
        f"{{0}}/{TRAIN}: expected 76 bytes for dimensions (5, 3, 4), found 75 (truncated)",
    ),
    "over-long": (
        put(TRAIN_LABELS, idx(LABELS["train"]) + b"\0"),
        f"{{0}}/{TRAIN_LABELS}: expected 13 bytes for dimensions (5,), found more (over-long)",
    ),
    "no images": (put(T10K, idx(IMAGES["t10k"][:0])), f"{{0}}/{T10K}: expected at least one element, found dimensions (0, 3, 4)"),
    "counts": (
        put(TRAIN_LABELS, idx(LABELS["train"][:4])),
        f"{{0}}/{TRAIN_LABELS}: 4 labels, expected 5, one for each image of {TRAIN}",
    ),
    "sizes": (put(T10K, idx(IMAGES["t10k"][:, :2])), "{0}: t10k images of 8 pixels, expected 12 as in the train images"),
    "labels": (
        put(T10K_LABELS, idx(np.array([2, 9], dtype=np.uint8))),
        "{0}: label 9 in the t10k labels, expected 0 to 3 as in the train labels",
    ),
}


@pytest.mark.parametrize("damage", DAMAGED_IDX)
def test_a_damaged_idx_folder_is_named(tmp_path: Path, damage: str) -> None:
    break_it, expected = DAMAGED_IDX[damage]
    break_it(write_folder(tmp_path))
    assert message(lambda: load(str(tmp_path))) == expected.format(tmp_path)


@pytest.mark.parametrize("cut", [3, 12, 30, -9, -1])
def test_a_truncated_gzip_file_is_named(tmp_path: Path, cut: int) -> None:
    path = write_folder(tmp_path, zipped=True, suffix=".gz") / f"{TRAIN}.gz"
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    start = f"{path}: expected a whole gzip file, found a damaged one of {len(content)} bytes ("
    assert message(lambda: load(str(tmp_path))).startswith(start)


@pytest.mark.parametrize("place", [10, -20, -6])
def test_a_corrupted_gzip_file_is_named(tmp_path: Path, place: int) -> None:
    path = write_folder(tmp_path, zipped=True, suffix=".gz") / f"{TRAIN}.gz"
    content = bytearray(path.read_bytes())
    content[place] ^= 255
    path.write_bytes(content)
    assert message(lambda: load(str(tmp_path))).startswith(f"{path}: expected a whole gzip file, found a damaged one of")


X = np.arange(12).reshape(4, 3)


def save(path: Path, **arrays: object) -> str:
    np.savez(path / "a.npz", **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]  # no allow_pickle
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
    assert message(lambda: load(path)) == f"{path}: {expected}"


def test_a_damaged_npz_is_named(tmp_path: Path) -> None:
    path = Path(save(tmp_path, X=X, y=[0, 1, 2, 3]))
    whole = path.read_bytes()
    for content in (b"", b"hello", whole[:100], whole[:-10]):
        path.write_bytes(content)
        found = f"{path}: expected an .npz file, found {len(content)} bytes of another kind or a truncated file"
        assert message(lambda: load(str(path))) == found
    middle = whole.index(b"NUMPY") + 150
    path.write_bytes(whole[:middle] + b"??" + whole[middle + 2 :])
    assert message(lambda: load(str(path))) == (
        f"{path}: expected an .npz file of plain arrays, found a damaged or other one (Bad CRC-32 for file 'X.npy')"
    )
    np.savez(path, X=np.array([[1], [None]], dtype=object), y=[0, 1])
    assert message(lambda: load(str(path))).startswith(f"{path}: expected an .npz file of plain arrays, found")
    path.unlink()
    assert message(lambda: load(str(path))) == f"{path}: expected an .npz file, found no such file"


def test_npz_without_numpy_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, X=X, y=[0, 1, 2, 3])
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert message(lambda: load(path)) == f"{path}: reading .npz needs numpy: pip install 'pure-mlp[cli]'"
