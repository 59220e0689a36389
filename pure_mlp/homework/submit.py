"""The zip that is handed in."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pure_mlp.homework.grade.plain import plain

API = ("MLP", "mse_loss", "bce_loss")


def submit(netid: str, theory: Path, program: bytes, directory: Path) -> Path:
    """Write `directory`/NETID.zip with exactly `theory.pdf` and `mlp.py`, and return its path.

    The same parts give the same bytes. Raises `ValueError` or `OSError`, and leaves no file, where the net id is no name,
    the theory is missing, not called `theory.pdf` or not a whole PDF, or the program does not parse or lacks a name of the API.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     theory = Path(folder, "theory.pdf")
    ...     size = theory.write_bytes(b"%PDF-1.4 %%EOF")
    ...     ZipFile(submit("ab1234", theory, b"MLP = 0; mse_loss = 0; bce_loss = 0", Path(folder))).namelist()
    ['theory.pdf', 'mlp.py']
    """
    if not (netid.isascii() and netid.isalnum()):
        raise ValueError(f"net id {netid!r}, expected letters and digits, as in ab1234")
    if theory.name != "theory.pdf":
        raise ValueError(f"{theory} has to be called theory.pdf")
    parts = {"theory.pdf": _checked_theory(theory), "mlp.py": _checked_program(program)}
    target, partial = directory / f"{netid}.zip", directory / f".{netid}.zip.partial"
    try:
        with ZipFile(partial, "w", ZIP_DEFLATED) as archive:
            for name, data in parts.items():
                entry = ZipInfo(name)
                entry.compress_type = ZIP_DEFLATED
                archive.writestr(entry, data)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def contents(path: Path) -> list[str]:
    """A line a member of a zip: its name, size and first line.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, ZipFile(Path(folder, "a.zip"), "w") as archive:
    ...     archive.writestr("mlp.py", "import torch")
    ...     archive.close()
    ...     contents(Path(folder, "a.zip"))
    ['mlp.py, 12 bytes: import torch']
    """
    with ZipFile(path) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    return [f"{name}, {len(data)} bytes: {_first_line(data)}" for name, data in parts]


def _first_line(data: bytes) -> str:
    lines = (line.strip() for line in data[:4000].decode("utf-8", "backslashreplace").splitlines())
    return plain(next(filter(None, lines), ""))[:80]


def _checked_theory(path: Path) -> bytes:
    """The bytes of a PDF. Raises `ValueError` unless it begins and ends as one, `OSError` where it cannot be read."""
    data = path.read_bytes()
    if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-1024:]:
        raise ValueError(f"{path} is not a whole PDF: expected %PDF- first and %%EOF last, found {len(data)} bytes")
    return data


def _checked_program(program: bytes) -> bytes:
    """The bytes of an `mlp.py`. Raises `ValueError` unless it parses and defines `MLP`, `mse_loss` and `bce_loss`.

    >>> _checked_program(b"class MLP: ...")
    Traceback (most recent call last):
    ValueError: mlp.py does not define mse_loss, bce_loss
    """
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"mlp.py is not Python: {error}") from error
    defined = {ast.unparse(n.targets[0]) if isinstance(n, ast.Assign) else getattr(n, "name", "") for n in tree.body}
    missing = [name for name in API if name not in defined]
    if missing:
        raise ValueError(f"mlp.py does not define {', '.join(missing)}")
    return program
