"""What may be called: torch's dispatcher, documented C of the BLAS that torch carries, and C that this package prints itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pure_mlp

PACKAGE = Path(pure_mlp.__file__).parent
SOURCES = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.c"), *PACKAGE.rglob("*.h")]
FORBIDDEN = {
    "a mangled C++ symbol": r"_ZN\w*|_ZTV\w*|\b_Z\d\w*",
    "a kernel of MKL that is not BLAS": r"\bmkl_\w+|\bvms?[ds]\w+_\b|\bMKL_\w+\(",
    "torch's own memory of a tensor": r"\._cdata\b",
    "code for this processor alone": r"-march=native|-mtune=native|-mcpu=native",
    "torch's C++": r"\bat::|\bc10::|libtorch_python",
}
DOCUMENTED = r"[sd]?(gemm|gemv|axpy|dot|ger|scal|copy|asum|nrm2|syrk|symm|gemmt)_|cblas_[sd]\w+"
"""Names of the reference BLAS, in its Fortran or C form, perhaps before the letter of the type is put in front."""


def places(pattern: str) -> Iterator[str]:
    """Where a pattern stands in the sources, as file:line: text."""
    for path in SOURCES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(pattern, line):
                yield f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_is_called_past_the_rule(what: str) -> None:
    assert [*places(FORBIDDEN[what])] == []


def uses_ctypes() -> dict[str, ast.Module]:
    """The modules that import ctypes, parsed."""
    parsed = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in SOURCES if path.suffix == ".py"}
    return {name: tree for name, tree in parsed.items() if any("ctypes" in imported(node) for node in ast.walk(tree))}


def imported(node: ast.AST) -> str:
    if isinstance(node, ast.ImportFrom):
        return node.module or ""
    return " ".join(alias.name for alias in node.names) if isinstance(node, ast.Import) else ""


def loads(tree: ast.Module) -> bool:
    """Whether a module opens a shared library."""
    names = {"CDLL", "PyDLL", "LoadLibrary", "dlopen", "find_library"}
    return any(
        getattr(n, "id", getattr(n, "attr", "")) in names for n in ast.walk(tree) if isinstance(n, (ast.Name, ast.Attribute))
    )


@pytest.mark.parametrize("library", ["cffi", "cppyy", "pybind11", "torch.utils.cpp_extension"])
def test_there_is_no_other_way_into_c(library: str) -> None:
    assert [*places(rf"\b{re.escape(library)}\b")] == []


def test_two_modules_at_most_open_libraries() -> None:
    """The one of the BLAS that torch carries, and the one of the compiler; the first reads its symbols by documented names."""
    opening = sorted(name for name, tree in uses_ctypes().items() if loads(tree) and not name.startswith("homework"))
    assert len(opening) <= 2, opening
    assert all("blas" in name or "compiler" in name for name in opening), opening


def test_symbols_are_those_of_blas() -> None:
    """Every string of the modules with ctypes that looks like a symbol of a BLAS (`?gemm_`) is a documented one."""
    named = {
        (module, node.value)
        for module, tree in uses_ctypes().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[a-z]\w*_", node.value)
    }
    assert [(module, name) for module, name in sorted(named) if not re.fullmatch(DOCUMENTED, name)] == []
