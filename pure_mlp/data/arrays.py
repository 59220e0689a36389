"""From numpy's arrays to the tensors of a data set, with every array checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from pure_mlp.data.dataset import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[np.generic]"
"""Any array of numpy. numpy itself is imported only where an array already exists."""


def features(path: Path, name: str, array: Array) -> Tensor:
    """x (n, d) float32 from numbers (n, ..), flattened. `path` and `name` are for the errors.

    Raises `ValueError` for other types, fewer than two dimensions, an empty array, or a number that is not finite in float32.

    >>> import numpy as np
    >>> features(Path("a.npz"), "X", np.ones((3, 2, 2), dtype=np.uint8)).shape
    torch.Size([3, 4])
    """
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{path}: {name}: expected numbers, found {array.dtype}")
    if array.ndim < 2 or not array.size:
        raise ValueError(f"{path}: {name}: expected shape (n, features) with at least one of each, found {array.shape}")
    return finite(path, name, float32(array.reshape(len(array), -1)))


def labels(path: Path, name: str, array: Array, n: int) -> Array:
    """The labels (n,) as they are in the file. Raises `ValueError` unless they are (n,) or (n, 1) numbers, booleans or strings.

    >>> import numpy as np
    >>> labels(Path("a.npz"), "y", np.array([[3], [5]]), 2).tolist()
    [3, 5]
    """
    if array.dtype.kind not in "biufU":
        raise ValueError(f"{path}: {name}: expected numbers, booleans or strings, found {array.dtype}")
    if array.shape not in ((n,), (n, 1)):
        raise ValueError(
            f"{path}: {name}: expected shape ({n},) or ({n}, 1), a label for each row of features, found {array.shape}"
        )
    return array.reshape(n)


def targets(path: Path, name: str, array: Array, task: Task, classes: tuple[str, ...]) -> Tensor:
    """y as a data set of that task has it, from labels (n,): their values for regression, else their places in `classes`.

    Raises `ValueError` for a label that is not in `classes`, or of a kind that the task does not have, or that is not finite.

    >>> import numpy as np
    >>> targets(Path("a.npz"), "y", np.array([5, 3, 9]), "classes", ("3", "5", "9"))
    tensor([1, 0, 2])
    """
    if (task == "regression") != (array.dtype.kind == "f"):
        raise ValueError(f"{path}: {name}: expected labels of the kind of the training part ({task}), found {array.dtype}")
    if task == "regression":
        return finite(path, name, float32(array.reshape(-1, 1)))
    place = {label: i for i, label in enumerate(classes)}
    found = [str(value) for value in array.tolist()]
    for row, label in enumerate(found):
        if label not in place:
            raise ValueError(
                f"{path}: {name}: row {row}: expected a label of the training part ({', '.join(classes)}), found {label}"
            )
    y = torch.tensor([place[label] for label in found])
    return y.unsqueeze(1).to(torch.float32) if task == "binary" else y


def float32(array: Array) -> Tensor:
    """The numbers as a row-major float32 tensor of the same shape; what is too large becomes infinite.

    >>> import numpy as np
    >>> float32(np.array([1.0, 1e300]))
    tensor([1., inf])
    """
    import numpy as np

    with np.errstate(over="ignore"):
        return torch.from_numpy(array.astype(np.float32, order="C"))


def finite(path: Path, name: str, x: Tensor) -> Tensor:
    """x (n, d) itself. Raises `ValueError` at the first NaN or infinity, with its row and column, counted from 0.

    >>> finite(Path("a.npz"), "X", torch.tensor([[1.0, 2.0], [3.0, float("nan")]]))
    Traceback (most recent call last):
    ValueError: a.npz: X: row 1, column 1: expected a number that is finite in float32, found nan
    """
    bad = (~torch.isfinite(x)).nonzero()
    if len(bad):
        row, column = bad[0].tolist()
        value = x[row, column].item()
        raise ValueError(f"{path}: {name}: row {row}, column {column}: expected a number that is finite in float32, found {value}")
    return x
