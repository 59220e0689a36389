"""Reading a folder in the layout of MNIST: four files of bytes, images and labels, for training (train-) and test (t10k-)."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import torch
from torch import Tensor

from pure_mlp.data.dataset import Dataset

GZIP = b"\x1f\x8b"


def read_folder(folder: Path) -> Dataset:
    """The four idx files of MNIST, Fashion-MNIST and their kin: bytes / 255 as x (n, rows * columns) in [0, 1], labels as y (n,).

    Files are named train-images-idx3-ubyte or train-images.idx3-ubyte, and so on, gzipped or not (their content tells, not their
    name), with or without .gz. classes are the digits "0" to the largest label of the training part; test is the t10k part.

    Raises `ValueError` that names the file, what was expected and what was found, for a missing, truncated or over-long file, a
    wrong magic number, different numbers of images and labels, other image sizes or unknown labels in the test part.

    >>> read_folder(Path("no/such/folder"))
    Traceback (most recent call last):
    ValueError: no/such/folder: expected train-images-idx3-ubyte or train-images.idx3-ubyte, with or without .gz, found neither
    """
    x, y = read_part(folder, "train")
    x_test, y_test = read_part(folder, "t10k")
    if x_test.shape[1] != x.shape[1]:
        raise ValueError(f"{folder}: t10k images of {x_test.shape[1]} pixels, expected {x.shape[1]} as in the train images")
    top, top_test = int(y.max()), int(y_test.max())
    if top_test > top:
        raise ValueError(f"{folder}: label {top_test} in the t10k labels, expected 0 to {top} as in the train labels")
    classes = tuple(map(str, range(top + 1)))
    test = Dataset(f"{folder} (t10k)", "classes", x_test, y_test, classes, "", str(folder), None)
    return Dataset(str(folder), "classes", x, y, classes, "", str(folder), test)


def read_part(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """x (n, d) float32 and y (n,) int64 of the part "train" or "t10k". Raises `ValueError` as `read_folder`.

    >>> read_part(Path("no/such/folder"), "t10k")
    Traceback (most recent call last):
    ValueError: no/such/folder: expected t10k-images-idx3-ubyte or t10k-images.idx3-ubyte, with or without .gz, found neither
    """
    images, labels = find(folder, f"{part}-images", 3), find(folder, f"{part}-labels", 1)
    x, y = read_idx(images, 3), read_idx(labels, 1)
    if len(x) != len(y):
        raise ValueError(f"{labels}: {len(y)} labels, expected {len(x)}, one for each image of {images.name}")
    return x.flatten(1).to(torch.float32) / 255, y.to(torch.int64)


def find(folder: Path, name: str, dims: int) -> Path:
    """The file of that name in either spelling, gzipped or not. Raises `ValueError` with the spellings if there is none.

    >>> find(Path("empty"), "train-labels", 1)
    Traceback (most recent call last):
    ValueError: empty: expected train-labels-idx1-ubyte or train-labels.idx1-ubyte, with or without .gz, found neither
    """
    spellings = [f"{name}-idx{dims}-ubyte", f"{name}.idx{dims}-ubyte"]
    for spelling in spellings:
        for path in (folder / spelling, folder / f"{spelling}.gz"):
            if path.is_file():
                return path
    raise ValueError(f"{folder}: expected {' or '.join(spellings)}, with or without .gz, found neither")


def read_idx(path: Path, dims: int) -> Tensor:
    """The bytes of one idx file, uint8 with `dims` dimensions, none of them 0; the file may be gzipped.

    The format is 0, 0, 8 (unsigned byte), dims; then each dimension as a big-endian uint32; then the bytes, row-major. Raises
    `ValueError` that names the file, what was expected and what was found.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    ...     read_idx(path, 1)
    tensor([7, 9], dtype=torch.uint8)
    """
    packed = path.read_bytes()
    try:
        data = gzip.decompress(packed) if packed.startswith(GZIP) else packed
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path}: expected a whole gzip file, found a damaged one of {len(packed)} bytes ({error})") from error

    magic, head = bytes([0, 0, 8, dims]), 4 + 4 * dims
    if data[:4] != magic:
        raise ValueError(f"{path}: expected the magic number {magic.hex()}, found {data[:4].hex() or 'an empty file'}")
    if len(data) < head:
        raise ValueError(f"{path}: expected a header of {head} bytes, found {len(data)} bytes")
    shape = [int.from_bytes(data[i : i + 4], "big") for i in range(4, head, 4)]
    size = head + math.prod(shape)
    if size == head:
        raise ValueError(f"{path}: expected at least one element, found dimensions {tuple(shape)}")
    if len(data) != size:
        what = "truncated" if len(data) < size else "over-long"
        raise ValueError(f"{path}: expected {size} bytes for dimensions {tuple(shape)}, found {len(data)} ({what})")
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=head).reshape(shape)
