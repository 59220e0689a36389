"""The engines on processors that are not here: by `qemu-x86_64` of Debian's `qemu-user`, minutes; `pytest -m emulated`.

torch asks the emulated processor what it can do; gcc, started from there, runs on the real one and must not compile for that.
"""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

import pure_mlp as pm

from .children import child
from .engines import native
from .smoke import PARTS

EMULATOR = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static") or ""
pytestmark = [
    pytest.mark.emulated,
    pytest.mark.skipif(not EMULATOR or platform.machine() != "x86_64", reason="needs qemu-x86_64 and an x86_64 Python"),
]
PROCESSORS = {"Nehalem": "DEFAULT", "Haswell": "AVX2"}
"""Without AVX, and with AVX2 but without AVX-512; what torch calls either."""


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("engine", ["plan", native])
def test_engines_on_another_processor(processor: str, engine: pm.Engine, tmp_path: Path) -> None:
    environment = {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(tmp_path)}
    lines = child(["-m", "compile.smoke", engine], environment, before=[EMULATOR, "-cpu", processor], seconds=900)
    assert lines == [PROCESSORS[processor], *[f"{part.__name__} {engine}" for part in PARTS]]
