"""Which inputs are images, and of what size."""

from __future__ import annotations

from math import prod
from pathlib import Path

from pure_mlp.cli.setup import Setup
from pure_mlp.data.embedded import EMBEDDED
from pure_mlp.data.idx import find, read_idx
from pure_mlp.data.npz import read_arrays

__all__ = ["image_shape"]


def image_shape(setup: Setup) -> tuple[int, int] | None:
    """(height, width) where the source says so: the digits, a folder of idx files, an .npz file of x (n, height, width); else None.

    >>> from pure_mlp.cli.model import example
    >>> image_shape(example().setup) is None
    True
    """
    path, shape = Path(setup.data), list[int]()
    if setup.data in EMBEDDED:
        shape = [8, 8] if setup.data == "digits" else []
    elif path.is_dir():
        shape = [*read_idx(find(path, "train-images", 3), 3).shape[1:]]
    elif path.suffix.lower() == ".npz":
        arrays = read_arrays(path)
        shape = [*(arrays["x_train"] if "x_train" in arrays else arrays["X"]).shape[1:]]
    return (shape[0], shape[1]) if len(shape) == 2 and prod(shape) == setup.sizes[0] else None
