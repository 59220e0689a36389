"""A fixed number of drawn programs, on both engines; `python -m tests.fuzz SECONDS` draws more."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from fuzz.run import run, warm

import pure_mlp as pm

from .engines import native


@pytest.mark.parametrize(("engine", "programs"), [("plan", 90), pytest.param("native", 30, marks=native.marks)])
def test_drawn_programs_give_what_the_loop_gives(engine: pm.Engine, programs: int) -> None:
    warm(engine)
    counts: Counter[str] = Counter()
    differences = [*islice(run(range(programs), [engine], counts=counts, shrink=10), 3)]  # three at a time are enough to mend
    assert not differences, "\n".join(map(str, differences))
    assert counts[f"{engine} agree"] > programs / 3, counts
