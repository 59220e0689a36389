"""The single file on other Pythons: CPython 3.7 with the real torch 1.7.1, installed for it, or any that have torch.

`pytest -m torch171 tests/homework/test_homework_torch171.py` alone runs it, since it installs 0.8 GB. The interpreter is
`python3.7`, or the one that PYTHON37 names. PYTHONS, a list like PATH, names interpreters to run it on instead, each with a
torch of its own.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from test_homework_bundle import AGAINST_AUTOGRAD, BLOCKED

from pure_mlp.homework.bundle import write_bundle

PYTHONS = os.environ.get("PYTHONS", "")


@pytest.fixture(scope="module", params=PYTHONS.split(os.pathsep))
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if PYTHONS:
        return str(request.param)
    home = tmp_path_factory.mktemp("torch171") / "venv"
    subprocess.run([os.environ.get("PYTHON37", "python3.7"), "-m", "venv", str(home)], check=True)
    python = str(home / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "torch==1.7.1", "numpy<1.20"], check=True)
    return python


@pytest.mark.torch171
def test_equals_torch(python: str, tmp_path: Path) -> None:
    path = write_bundle(tmp_path)
    done = subprocess.run([python, "-I", "-c", BLOCKED + AGAINST_AUTOGRAD, str(path)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("equal" if PYTHONS else "equal 1.7.1")
    print(done.stdout)
