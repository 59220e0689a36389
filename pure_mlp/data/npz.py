"""Reading an .npz file of features and labels, as `numpy.savez` writes it."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from pure_mlp.data.arrays import Array, features, labels, targets
from pure_mlp.data.dataset import Dataset, Task


def read_npz(path: Path) -> Dataset:
    """The arrays x_train, y_train and perhaps x_test, y_test of an .npz file; or X, y.

    Features (n, ..), numbers, become x (n, d) float32, flattened and not scaled. Labels (n,) or (n, 1): floating-point ones are a
    regression; of integers, booleans or strings two different ones are binary, more are classes. These are numbered in their sorted
    order, and their names are kept in `classes`.

    Needs numpy, which is in the extra [cli]. Raises `ValueError` that names the file and the array, what was expected and what was
    found: no numpy, no such file, another kind of file or a damaged one, missing arrays, other shapes or types, a number that is
    not finite, a test label that is not in the training part.

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
    classes = () if y.dtype.kind == "f" else tuple(map(str, sorted(set(y.tolist()))))
    if len(classes) == 1:
        raise ValueError(f"{path}: {y_name}: expected at least two different labels, found only {classes[0]}")
    task: Task = "regression" if not classes else "binary" if len(classes) == 2 else "classes"

    test = None
    if tests:
        x_test = features(path, "x_test", arrays["x_test"])
        if x_test.shape[1] != x.shape[1]:
            raise ValueError(f"{path}: x_test: expected {x.shape[1]} features as in x_train, found {x_test.shape[1]}")
        y_test = targets(path, "y_test", labels(path, "y_test", arrays["y_test"], len(x_test)), task, classes)
        test = Dataset(f"{path} (test)", task, x_test, y_test, classes, "", str(path), None)
    return Dataset(str(path), task, x, targets(path, y_name, y, task, classes), classes, "", str(path), test)


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
    if not zipfile.is_zipfile(path):
        size = path.stat().st_size
        raise ValueError(f"{path}: expected an .npz file, found {size} bytes of another kind or a truncated file")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: expected an .npz file of plain arrays, found a damaged or other one ({error})") from error
    return {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}
