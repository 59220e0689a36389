"""Tapes, modes and many sizes: what stands around a program does not change what it computes, nor what a fold costs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from fuzz.loop import Case
from torch import Generator, Tensor

import pure_mlp as pm

from .children import child
from .engines import F64, Step, agrees, draw, every, fast

MODES: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "none": nullcontext,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "enable_grad": torch.enable_grad,
}


def trained() -> tuple[Step, Any, list[pm.Batch]]:
    net, params = pm.mlp((3, 4, 2), Generator().manual_seed(0), pm.tanh, dtype=F64)
    optimizer = pm.adam(0.1)
    made = [(draw(4, 3, seed=s), draw(4, 2, seed=s + 9)) for s in range(3)]
    return pm.training_step(net, pm.mse, optimizer), (params, optimizer.init(params)), made


def close(got: Any, expected: Any) -> None:
    for a, b in zip(pm.tree_leaves(got), pm.tree_leaves(expected), strict=True):
        torch.testing.assert_close(a.detach(), b.detach(), rtol=1e-9, atol=1e-12)


@every
@pytest.mark.parametrize("first", MODES)
@pytest.mark.parametrize("second", MODES)
@pytest.mark.parametrize("inside", [False, True], ids=["tensors from outside", "tensors made inside"])
def test_a_fold_in_one_mode_and_then_in_another(first: str, second: str, inside: bool, engine: pm.Engine) -> None:
    step, carry, made = trained()
    expected = pm.fold(step, engine="pure")(carry, made)
    folded = pm.fold(step, engine=engine)
    for mode in (first, second, first):
        with MODES[mode]():
            start, batches = pm.tree_map(torch.clone, (carry, tuple(made))) if inside else (carry, tuple(made))
            close(folded(start, batches), expected)


GRADS: dict[str, Callable[[Tensor], Tensor]] = {
    "leaf": lambda t: t.clone().requires_grad_(True),
    "made on a tape": lambda t: t.clone().requires_grad_(True) * 1.0,
}


@every
@pytest.mark.parametrize("kind", GRADS)
@pytest.mark.parametrize("what", ["carry", "batch", "both"])
def test_tensors_that_require_grad_make_no_tape(kind: str, what: str, engine: pm.Engine) -> None:
    """One behaviour: values of a fold are values, whoever ran it."""
    step, carry, made = trained()
    expected = pm.fold(step, engine="pure")(carry, made)
    (params, state), batches = carry, tuple(made)
    params = pm.tree_map(GRADS[kind], params) if what != "batch" else params
    batches = pm.tree_map(GRADS[kind], batches) if what != "carry" else batches
    after, losses = pm.fold(step, engine=engine)((params, state), batches)
    close((after, losses), expected)
    assert [leaf.grad_fn for leaf in (*pm.tree_leaves(after), losses)] == [None] * (len(pm.tree_leaves(after)) + 1)
    assert not any(leaf.requires_grad for leaf in pm.tree_leaves(after))


@fast
def test_a_batch_that_requires_grad_after_one_that_does_not(engine: pm.Engine) -> None:
    step, carry, made = trained()
    taped = pm.tree_map(GRADS["made on a tape"], tuple(made))
    agrees(lambda: Case(step, carry, [*made, *taped, *made]), engine)


@every
def test_a_captured_parameter_makes_no_tape(engine: pm.Engine) -> None:
    """Not even where the loss does not depend on it: each step would hold on to all before it."""
    scale, taped = torch.nn.Parameter(draw(3)), list[bool]()

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        taped.append(w.requires_grad)
        return w - scale * x, x.sum()

    after, losses = pm.fold(step, engine=engine)(draw(3, seed=1), [draw(3, seed=s) for s in range(4)])
    assert not any(taped)
    assert not after.requires_grad
    assert not losses.requires_grad


@fast
def test_grad_mode_and_default_dtype_are_left_alone(engine: pm.Engine) -> None:
    step, carry, made = trained()
    with torch.no_grad():
        pm.fold(step, engine=engine)(carry, made)
        assert not torch.is_grad_enabled()
    pm.fold(step, engine=engine)(carry, made)
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32


INSIDE = """
import warnings, torch, pure_mlp as pm
from torch import Tensor

def inner(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    return w * 0.5 + x, (w * x).sum()

def outer(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    after, losses = pm.fold(inner, engine=INNER)(w, [x, 2 * x])
    return after, losses.sum()

warnings.simplefilter("ignore")
given = torch.ones(3), [torch.ones(3)] * 3
got, expected = pm.fold(outer, engine=ENGINE)(*given), pm.fold(outer, engine="pure")(*given)
torch.testing.assert_close(got, expected)
"""


@fast
@pytest.mark.parametrize("inner", ["pure", "plan"])
def test_a_fold_inside_a_step_ends(inner: str, engine: pm.Engine) -> None:
    """In a process of its own, for it may not end: an inner fold that is refused starts again, and again."""
    child(["-c", INSIDE.replace("INNER", repr(inner)).replace("ENGINE", repr(engine))], {})


def spent() -> float:
    """Processor seconds of this process and of the compilers that it waited for: another program's load is not in it."""
    return sum(os.times()[:4])


@fast
@pytest.mark.parametrize("sizes", [[*range(1, 101)], [1 + (7 * i) % 200 for i in range(400)]], ids=["once", "again"])
def test_many_batch_sizes_are_bounded(sizes: list[int], engine: pm.Engine) -> None:
    """A ragged stream costs about its pure run and a few programs: 10 times is far from 100. It stops where it costs more."""
    step, carry, _ = trained()
    made = [(draw(n, 3, seed=n), draw(n, 2, seed=n)) for n in sizes]
    start = spent()
    expected = pm.fold(step, engine="pure")(carry, made)
    limit = 10 * (spent() - start) + {"plan": 1.0, "native": 15.0}[engine]
    start = spent()

    def supply() -> Iterator[pm.Batch]:
        for i, batch in enumerate(made):
            assert spent() - start <= limit, f"{spent() - start:.1f} s for {i} of {len(made)} batches, at most {limit:.1f} for all"
            yield batch

    close(pm.fold(step, engine=engine)(carry, supply()), expected)
