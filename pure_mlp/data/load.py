"""Loading by name or path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pure_mlp.data.dataset import Dataset, Task
from pure_mlp.data.embedded import EMBEDDED, embedded
from pure_mlp.data.idx import read_folder
from pure_mlp.data.npz import read_npz
from pure_mlp.data.retask import retask


def load(name: str, task: Task | None = None, classes: Sequence[str] | None = None) -> Dataset:
    """The shipped data set of that name ("digits", "breast_cancer", "diabetes"), or the one at that path.

    A path is a folder in MNIST's idx layout, or an .npz file.

    A task that is not None is what the labels are read as, by these classes if they are not None. A folder that is called like a
    shipped set is reached as "./digits". Raises `ValueError`, one line, for anything else and for a file that is not what it should
    be (see `read_folder`, `read_npz`), and `OSError` for one that may not be read.

    >>> load("diabetes").unit
    'points of disease progression'
    """
    if name in EMBEDDED:
        return retask(embedded(name), task)
    path = Path(name)
    if path.is_dir():
        return retask(read_folder(path), task)
    if path.suffix.lower() == ".npz":
        return read_npz(path, task, classes)
    found = "a file of another kind" if path.exists() else "no such file or folder"
    known = ", ".join(EMBEDDED)
    raise ValueError(
        f"data {name!r}: expected one of {known}, or a path to a folder of idx files or to an .npz file, found {found}"
    )
