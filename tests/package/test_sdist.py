"""The source distribution holds everything that its own tests need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytest.importorskip("setuptools", "77", reason="building an sdist takes setuptools 77")
needs_sources = pytest.mark.skipif(not (ROOT / ".ci").is_dir(), reason="not in a copy of the sources, but beside a wheel")


@needs_sources
def test_the_sdist_is_whole_and_its_tests_are_collected(tmp_path: Path) -> None:
    source = tmp_path / "source"
    derived = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", ".*_cache", "__pycache__", "*.so")
    shutil.copytree(ROOT, source, ignore=derived)
    build = "import sys; sys.path.insert(0, '.ci'); import backend; print(backend.build_sdist('dist'))"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (packed,) = (source / "dist").iterdir()
    with tarfile.open(packed) as file:
        file.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    for room in ("tests", "typings", "pure_mlp", ".ci"):
        wanted = {p.relative_to(source) for p in (source / room).rglob("*") if p.is_file()}
        assert not {p for p in wanted if not (unpacked / p).is_file()}, room
    assert all((unpacked / name).is_file() for name in ("README.md", "pyproject.toml", "mlp.py"))

    rooms = ("core/test_laws", "cli/test_damaged", "homework/test_homework_grade", "typed/test_types")
    few = [f"tests/{name}.py" for name in rooms]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *few, "tests/data/test_data_csv.py", "-k", "way_to_write"],
        cwd=unpacked,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
