"""What labels mean: the task that they make, said or guessed, and the names of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

import torch
from torch import Tensor

from pure_mlp.data.arrays import Array, finite, float32
from pure_mlp.data.dataset import Task

KINDS = {"b": "booleans", "i": "integers", "u": "integers", "f": "floating-point numbers", "U": "strings"}
"""numpy's kinds of labels, as people call them."""
CLASSES = 100
"""More distinct floating-point labels than these are no classes."""


def names_of(path: Path, name: str, array: Array) -> list[str]:
    """The label of each row as the name of its class: whole numbers without a point, so that 1.0 and 1 are one class.

    >>> import numpy as np
    >>> names_of(Path("a.npz"), "y", np.array([1.0, 0.5, 1.0]))
    ['1', '0.5', '1']
    """
    try:
        values = array.tolist()
    except Exception as error:  # code points beyond Unicode: numpy raises ValueError or SystemError, by its version
        raise ValueError(f"{path}: {name}: expected strings of Unicode characters, found others ({error})") from error
    for row, value in enumerate(values):
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{path}: {name}: row {row}: expected a finite number, found {value}")
    return [str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values]


def classes_of(path: Path, name: str, array: Array, task: Task | None) -> tuple[Task, tuple[str, ...]]:
    """The task, guessed where it is None, and the names of its classes in the order of the labels.

    The guess: floating-point labels are a regression; of others two different ones are binary, more are classes. Raises
    `ValueError` for labels that the task does not have.

    >>> import numpy as np
    >>> classes_of(Path("a.npz"), "y", np.array([7, 5, 7]), None)
    ('binary', ('5', '7'))
    """
    if task == "regression" or (task is None and array.dtype.kind == "f"):
        if array.dtype.kind == "U":
            raise ValueError(f"{path}: {name}: --task regression takes numbers, found strings")
        return "regression", ()
    found = names_of(path, name, array)
    classes = tuple(dict.fromkeys(label for _, label in sorted(zip(array.tolist(), found))))
    if len(classes) < 2:
        raise ValueError(f"{path}: {name}: expected at least two different labels, found only {''.join(classes)}")
    if task == "binary" and len(classes) > 2:
        raise ValueError(f"{path}: {name}: --task binary takes two different labels, found {len(classes)}")
    if array.dtype.kind == "f" and len(classes) > CLASSES:
        raise ValueError(f"{path}: {name}: --task classes takes at most {CLASSES} different fractions, found {len(classes)}")
    return task or ("binary" if len(classes) == 2 else "classes"), classes


def targets(path: Path, name: str, array: Array, task: Task, classes: Sequence[str]) -> Tensor:
    """y as a data set of that task has it, from labels (n,): their values for regression, else their places in `classes`.

    Raises `ValueError` for a label that is not in `classes`, strings as values, or a value that is not finite.

    >>> import numpy as np
    >>> targets(Path("a.npz"), "y", np.array([5, 3, 9]), "classes", ("3", "5", "9"))
    tensor([1, 0, 2])
    """
    if task == "regression":
        if array.dtype.kind == "U":
            raise ValueError(f"{path}: {name}: expected numbers (regression), found strings")
        return finite(path, name, float32(array.reshape(-1, 1)))
    place = {label: i for i, label in enumerate(classes)}
    found = names_of(path, name, array)
    for row, label in enumerate(found):
        if label not in place:
            raise ValueError(f"{path}: {name}: row {row}: expected a label of the training part ({_some(classes)}), found {label}")
    y = torch.tensor([place[label] for label in found])
    return y.unsqueeze(1).to(torch.float32) if task == "binary" else y


def _some(classes: Sequence[str]) -> str:
    return ", ".join(classes[:20]) + (f", .. {len(classes)} in all" if len(classes) > 20 else "")
