"""The engines where torch and its libraries use fewer of the processor's instructions, each level in a process of its own."""

from __future__ import annotations

import pytest

from pure_mlp._compile.c.compiler import compiler

from .children import child
from .smoke import PARTS

LEVELS = {
    "default": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
}


ENGINES = ["plan"] if compiler() is None else ["plan", "native"]


@pytest.mark.parametrize("level", LEVELS)
def test_engines_on_a_lesser_capability(level: str) -> None:
    lines = child(["-m", "compile.smoke", *ENGINES], {**LEVELS[level], "OMP_NUM_THREADS": "1"})
    assert lines == [level.upper(), *[f"{part.__name__} {engine}" for engine in ENGINES for part in PARTS]]
