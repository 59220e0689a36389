"""From numpy's arrays to the tensors of a data set, with every array checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

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
    """The labels (n,) as they are in the file, bytes as the strings that they are in UTF-8.

    Raises `ValueError` unless they are (n,) or (n, 1) numbers, booleans, strings or bytes.

    >>> import numpy as np
    >>> labels(Path("a.npz"), "y", np.array([[3], [5]]), 2).tolist()
    [3, 5]
    """
    if array.dtype.kind not in "biufUS":
        raise ValueError(f"{path}: {name}: expected numbers, booleans or strings, found {array.dtype}")
    if array.shape not in ((n,), (n, 1)):
        raise ValueError(
            f"{path}: {name}: expected shape ({n},) or ({n}, 1), a label for each row of features, found {array.shape}"
        )
    return _decoded(path, name, array.reshape(n))


def _decoded(path: Path, name: str, array: Array) -> Array:
    if array.dtype.kind != "S":
        return array
    import numpy as np

    try:
        return np.array([value.decode() for value in array.tolist()])
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {name}: expected bytes that are UTF-8 ({error})") from error


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
