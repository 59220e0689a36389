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
    return hashlib.sha256(struct.pack(f"<{x.numel()}f", *x.flatten().tolist())).hexdigest()[:16]


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


IMAGES = {"train": 4 * torch.arange(60).reshape(5, 3, 4), "t10k": torch.full((2, 3, 4), 255)}
LABELS = {"train": torch.tensor([3, 0, 1, 2, 1]), "t10k": torch.tensor([2, 3])}


def idx(array: Tensor) -> bytes:
    return bytes([0, 0, 8, array.dim()]) + struct.pack(f">{array.dim()}I", *array.shape) + bytes(array.flatten().tolist())


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
        assert torch.equal(part.x, IMAGES[name].reshape(n, 12).float() / 255)
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
        put(T10K_LABELS, idx(torch.tensor([2, 9]))),
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
