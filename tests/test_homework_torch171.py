"""The single file on CPython 3.7 with the real torch 1.7.1; it installs 0.8 GB, so `pytest -m torch171` alone runs it.

The interpreter is `python3.7`, or the one that PYTHON37 names. TORCH171 may name a Python that has torch 1.7.1 already.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from test_homework_bundle import AGAINST_AUTOGRAD, BLOCKED

from pure_mlp.homework.bundle import write_bundle


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    if "TORCH171" in os.environ:
        return os.environ["TORCH171"]
    home = tmp_path_factory.mktemp("torch171") / "venv"
    subprocess.run([os.environ.get("PYTHON37", "python3.7"), "-m", "venv", str(home)], check=True)
    python = str(home / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "torch==1.7.1", "numpy<1.20"], check=True)
    return python


@pytest.mark.torch171
def test_equals_torch_171(python: str, tmp_path: Path) -> None:
    path = write_bundle(tmp_path)
    done = subprocess.run([python, "-I", "-c", BLOCKED + AGAINST_AUTOGRAD, str(path)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("equal 1.7.1")
