"""Reading an .npz file of features and labels, as `numpy.savez` writes it."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

from pure_mlp.data.arrays import Array, features, labels
from pure_mlp.data.dataset import Dataset, Task
from pure_mlp.data.labels import KINDS, classes_of, targets
from pure_mlp.data.limits import refuse_bomb


def read_npz(path: Path, task: Task | None = None, classes: Sequence[str] | None = None) -> Dataset:
    """The arrays x_train, y_train and perhaps x_test, y_test of an .npz file; or X, y.

    Features (n, ..), numbers, become x (n, d) float32, flattened and not scaled. Labels (n,) or (n, 1) become what the task wants.
    A task that is None is guessed: floating-point labels are a regression; of integers, booleans or strings two different ones are
    binary, more are classes. Classes that are None are the labels in their sorted order.

    Needs numpy, which is in the extra [cli]. Raises `ValueError` that names the file and the array, what was expected and what was
    found: no numpy, no such file, another kind of file or a damaged one, one that unpacks beyond `limits`, missing arrays, other
    shapes or types, a number that is not finite, a label that is not among the classes.

    >>> read_npz(Path("no_such.npz"))
    Traceback (most recent call last):
    ValueError: no_such.npz: expected an .npz file, found no such file
    """
    arrays = read_arrays(path)
    x_name, y_name = ("x_train", "y_train") if "x_train" in arrays else ("X", "y")
    tests = arrays.keys() & {"x_test", "y_test"}
    if not {x_name, y_name} <= arrays.keys() or len(tests) == 1 or (tests and x_name == "X"):
        wanted = "x_train, y_train and perhaps x_test, y_test, or X, y"
        raise ValueError(f"{path}: expected the arrays {wanted}, found {', '.join(arrays) or 'none'}")

    x = features(path, x_name, arrays[x_name])
    y = labels(path, y_name, arrays[y_name], len(x))
    guessed = "" if task else f"labels that are {KINDS[y.dtype.kind]}"
    if task is None or classes is None:
        task, names = classes_of(path, y_name, y, task)
    else:
        names = tuple(classes)

    test = None
    if tests:
        x_test = features(path, "x_test", arrays["x_test"])
        if x_test.shape[1] != x.shape[1]:
            raise ValueError(f"{path}: x_test: expected {x.shape[1]} features as in x_train, found {x_test.shape[1]}")
        y_test = targets(path, "y_test", labels(path, "y_test", arrays["y_test"], len(x_test)), task, names)
        test = Dataset(f"{path} (test)", task, x_test, y_test, names, "", str(path), None)
    return Dataset(str(path), task, x, targets(path, y_name, y, task, names), names, "", str(path), test, guessed)


def read_arrays(path: Path) -> dict[str, Array]:
    """All arrays of an .npz file by name. Raises `ValueError` without numpy, and for a file that is not a whole .npz.

    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(Path(folder, "two.npz"), a=np.ones(2))
    ...     {name: array.shape for name, array in read_arrays(Path(folder, "two.npz")).items()}
    {'a': (2,)}
    """
    try:
        import numpy as np
    except ImportError as error:
        raise ValueError(f"{path}: reading .npz needs numpy: pip install 'pure-mlp[cli]'") from error
    if not path.is_file():
        raise ValueError(f"{path}: expected an .npz file, found no such file")
    size = path.stat().st_size
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: expected an .npz file, found {size} bytes of another kind or a truncated file")
    refuse_bomb(path, _unpacked(path), size)
    try:
        with warnings.catch_warnings(), np.load(path, allow_pickle=False) as file:
            warnings.simplefilter("error")
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds for damaged bytes
        raise ValueError(f"{path}: expected an .npz file of plain arrays, found a damaged or other one ({_line(error)})") from error
    return {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}


def _unpacked(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as packed:
            return sum(entry.file_size for entry in packed.infolist())
    except Exception as error:  # as above
        raise ValueError(f"{path}: expected an .npz file, found a damaged one ({_line(error)})") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
