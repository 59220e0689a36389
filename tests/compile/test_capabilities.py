"""The engines where torch and its libraries use fewer of the processor's instructions, each in a process of its own."""

from __future__ import annotations

import pytest

import pure_mlp as pm

from .children import child
from .engines import native
from .smoke import PARTS

LEVELS = {
    "default": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("engine", ["plan", native])
def test_engines_on_a_lesser_capability(level: str, engine: pm.Engine) -> None:
    lines = child(["-m", "compile.smoke", engine], {**LEVELS[level], "OMP_NUM_THREADS": "1"})
    assert lines == [level.upper(), *[f"{part.__name__} {engine}" for part in PARTS]]
