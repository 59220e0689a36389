"""The engines that can run here, and the rule that binds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from fuzz.differences import differences
from fuzz.loop import Case, Ran, by, loop
from torch import Generator, Tensor

from pure_mlp import Engine
from pure_mlp._compile.c.compiler import compiler

F64 = torch.float64
TIERS: dict[Engine, int] = {"pure": 0, "plan": 1, "native": 2}
Step = Callable[[Any, Any], tuple[Any, Tensor]]

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
native = pytest.param("native", marks=needs_compiler)
fast = pytest.mark.parametrize("engine", ["plan", native])
"""For what is about programs."""
every = pytest.mark.parametrize("engine", ["pure", "plan", native])
"""For what no engine may do otherwise."""


def agrees(make: Callable[[], Case], engine: Engine, *, floor: Engine = "pure", rtol: float = 1e-9) -> Ran:
    """Assert that the engine does what the loop does: values, classes, errors and their words, the world outside, the inputs.

    A step of random numbers or captured tensors has a state, so that `make` makes it anew. The engine may step down as far as
    `floor`, and says so once a tier. Values may differ by rtol of the largest number of the leaf.
    """
    expected, got = loop(make()), by(make(), engine)
    assert [*differences(got, expected, rtol=rtol)] == []
    assert len(got.warned) <= max(TIERS[engine] - TIERS[floor], 0), got.warned
    return got


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = F64) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=F64).to(dtype)
