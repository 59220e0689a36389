"""The C of drawn programs under gcc's sanitizers, minutes: `pytest -m sanitize`, or `python -m tests.fuzz SECONDS --sanitize`."""

from __future__ import annotations

import pytest
from fuzz.sanitize import runtimes

from .children import child
from .engines import needs_compiler

pytestmark = [needs_compiler, pytest.mark.sanitize, pytest.mark.skipif(not runtimes(), reason="gcc has no sanitizers here")]


def test_the_c_of_drawn_programs_is_clean() -> None:
    child(["-m", "fuzz", "100000", "--programs", "200", "--shrink", "0", "--sanitize"], {"OMP_NUM_THREADS": "1"}, seconds=3600)
