"""What the tests of native plans share: a cache of their own, and the comparison of C with the pure step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from planned import Batches, pure

from pure_mlp._compile.c.compiler import compiler
from pure_mlp._compile.plan import Plan
from pure_mlp.record import tree_leaves, tree_map

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")


@contextmanager
def cache_in(folder: Path) -> Iterator[None]:
    """Compiled libraries are kept in this folder."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    yield
    del os.environ["XDG_CACHE_HOME"]
    if before is not None:
        os.environ["XDG_CACHE_HOME"] = before


def native(step: Callable[..., Any], carry: Any, batch: Any) -> Plan[Any, Any]:
    planned = Plan(step, carry, batch, engine="native")
    assert planned.engine == "native"
    return planned


def close(mine: Any, theirs: Any, *, rtol: float, atol: float) -> None:
    for a, b in zip(tree_leaves(mine), tree_leaves(theirs), strict=True):
        assert a.dtype == b.dtype
        torch.testing.assert_close(a, b, rtol=rtol, atol=atol, equal_nan=True)


def identical(mine: Any, theirs: Any) -> bool:
    """Whether two trees are equal to the bit, NaN equal to NaN."""
    pairs = zip(tree_leaves(mine), tree_leaves(theirs), strict=True)
    return all(torch.equal(a.nan_to_num(0.5), b.nan_to_num(0.5)) for a, b in pairs)


def natively_same(step: Callable[..., Any], carry: Any, batches: Batches, *, rtol: float = 1e-11, atol: float = 1e-12) -> None:
    """C gives the carry and losses of the pure step, one batch at a time or all at once, and leaves the given carry as it was."""
    kept = tree_map(torch.clone, carry)
    expected, losses = pure(step, carry, batches)
    planned = native(step, carry, batches[0])
    singly = [planned.step(batch) for batch in batches]
    together = native(step, carry, batches[0])
    at_once = together.run(iter(batches))
    assert at_once.dtype == losses.dtype
    assert identical(torch.tensor(singly, dtype=losses.dtype), at_once)
    assert identical(planned.carry(), together.carry())
    close((planned.carry(), at_once), (expected, losses), rtol=rtol, atol=atol)
    assert identical(carry, kept)


def single(batches: Batches) -> Batches:
    """The batches in float32; labels that are indices stay."""
    return [(x.float(), y.float() if y.is_floating_point() else y) for x, y in batches]
