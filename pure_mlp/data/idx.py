"""Reading a folder in the layout of MNIST: four files of bytes, images and labels, for training (train-) and test (t10k-)."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import torch
from torch import Tensor

from pure_mlp.data.dataset import Dataset
from pure_mlp.data.limits import refuse_bomb

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
    """The file of that name in either spelling and any case, gzipped or not.

    Raises `ValueError` with the spellings if there is none.

    >>> find(Path("empty"), "train-labels", 1)
    Traceback (most recent call last):
    ValueError: empty: expected train-labels-idx1-ubyte or train-labels.idx1-ubyte, with or without .gz, found neither
    """
    spellings = [f"{name}-idx{dims}-ubyte", f"{name}.idx{dims}-ubyte"]
    there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()} if folder.is_dir() else {}
    for spelling in spellings:
        for wanted in (spelling, f"{spelling}.gz"):
            if wanted in there:
                return there[wanted]
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
    magic, head, size = bytes([0, 0, 8, dims]), 4 + 4 * dims, path.stat().st_size
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP
        file.seek(0)
        source = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if zipped else file
        try:
            header = source.read(head)
            shape = _shape(path, header, magic, head)
            wanted = math.prod(shape)
            if zipped:
                refuse_bomb(path, wanted, size)
            data = bytearray(source.read(wanted if zipped else min(wanted, size)))
            over = source.read(1)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path}: expected a whole gzip file, found a damaged one of {size} bytes ({error})") from error
    if len(data) != wanted or over:
        found = "more (over-long)" if over else f"{head + len(data)} (truncated)"
        raise ValueError(f"{path}: expected {head + wanted} bytes for dimensions {tuple(shape)}, found {found}")
    return torch.frombuffer(data, dtype=torch.uint8).reshape(shape)


def _shape(path: Path, header: bytes, magic: bytes, head: int) -> list[int]:
    if header[:4] != magic:
        raise ValueError(f"{path}: expected the magic number {magic.hex()}, found {header[:4].hex() or 'an empty file'}")
    if len(header) < head:
        raise ValueError(f"{path}: expected a header of {head} bytes, found {len(header)} bytes")
    shape = [int.from_bytes(header[i : i + 4], "big") for i in range(4, head, 4)]
    if 0 in shape:
        raise ValueError(f"{path}: expected at least one element, found dimensions {tuple(shape)}")
    return shape
