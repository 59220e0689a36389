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
Step = Callable[[Any, Any], tuple[Any, Tensor]]

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
native = pytest.param("native", marks=needs_compiler)
fast = pytest.mark.parametrize("engine", ["plan", native])
"""For what is about programs."""
every = pytest.mark.parametrize("engine", ["pure", "plan", native])
"""For what no engine may do otherwise."""


def agrees(make: Callable[[], Case], engine: Engine, *, refused: bool | None = None, rtol: float = 1e-9) -> Ran:
    """Assert that the engine does what the loop does: values, classes, errors and their words, the world outside, the inputs.

    A step of random numbers or captured tensors has a state, so that `make` makes it anew. Where `refused` is False the engine must
    take the step itself; where it is True, or None and the engine refuses, it says so once for each tier that it steps down.
    """
    expected, got = loop(make()), by(make(), engine)
    assert [*differences(got, expected, rtol=rtol)] == []
    tiers = {"pure": 0, "plan": 1, "native": 2}[engine]
    assert len(got.warned) <= (0 if refused is False else tiers), got.warned
    assert got.warned or not refused, "taken, not refused"
    return got


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = F64) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=F64).to(dtype)
