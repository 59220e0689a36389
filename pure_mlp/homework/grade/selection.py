"""Which files are graded: every .py file of a folder that defines MLP; test scripts and others are named and left out."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from pure_mlp.homework.grade.source import parsed


def select(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The files to grade, and those to leave out. A file that is given alone is graded whatever it is.

    Raises `ValueError` where nothing is left to grade.

    >>> select([Path("mlp.py")])
    ([PosixPath('mlp.py')], [])
    """
    found = [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    if len(paths) == 1 and found == [*paths]:
        return found, []
    skipped = [file for file in found if not _may_define_mlp(file)]
    graded = [file for file in found if file not in skipped]
    if not graded:
        where = ", ".join(map(str, paths))
        named = f" defines MLP: {', '.join(map(str, skipped))}" if skipped else ""
        raise ValueError(f"no .py file in {where}{named}")
    return graded, skipped


def _may_define_mlp(path: Path) -> bool:
    """Whether the file defines MLP, by class, assignment or import from elsewhere than mlp; or cannot be read."""
    try:
        if not path.is_file():
            return True
        return defines_mlp(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def defines_mlp(source: str | bytes) -> bool:
    """Whether a source binds the name MLP other than by an import from a module called mlp. Raises `SyntaxError` if need be.

    >>> defines_mlp("from mlp import MLP\\nnet = MLP()"), defines_mlp("class MLP: ...")
    (False, True)
    """
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.ClassDef) and node.name == "MLP":
            return True
        if isinstance(node, ast.Name) and node.id == "MLP" and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, ast.ImportFrom) and node.module != "mlp" and "MLP" in {a.asname or a.name for a in node.names}:
            return True
    return False
