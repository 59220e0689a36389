"""Tapes, modes and many sizes: what stands around a program does not change what it computes, nor what a fold costs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
import torch
from fuzz.loop import Case
from torch import Generator, Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

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


class Doubled(TorchFunctionMode):
    """Every product is twice what it is."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        return out + out if func is Tensor.__matmul__ else out


class Halved(TorchDispatchMode):
    """Every product is half of what it is."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # otherwise the first operation imports torch._dynamo

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        return out / 2 if func is torch.ops.aten.mm.default else out


@contextmanager
def as_default(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def flushed() -> Iterator[None]:
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


SETTINGS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "none": nullcontext,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "autocast to float16": lambda: torch.autocast("cpu", dtype=torch.float16),
    "no_grad": torch.no_grad,
    "default dtype": lambda: as_default(F64),
    "denormals are 0": flushed,
    "function mode": Doubled,
    "dispatch mode": Halved,
    "cpu": lambda: torch.device("cpu"),
    "meta": lambda: torch.device("meta"),
}


def moody(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """A step that every setting changes, but for the device, where it makes no tensor."""
    made, small = torch.zeros((), device="cpu"), torch.full((), 1e-20, dtype=torch.float32, device="cpu")
    return 0.5 * w + x @ x + made.dtype.itemsize + torch.is_grad_enabled(), (w * small * small).sum() * 1e38 + w.sum()


@every
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_that_changes_between_batches_changes_the_step(setting: str, engine: pm.Engine) -> None:
    """Autocast kept the mode of the first batch; under `torch.device("meta")` the process ended."""
    at = ["none", "none", "none", setting, setting, setting, "none", setting]

    def batches() -> Iterator[Tensor]:
        for i, name in enumerate(at):
            with SETTINGS[name]():
                yield draw(3, 3, seed=i, dtype=torch.float32)

    agrees(lambda: Case(moody, draw(3, 3, dtype=torch.float32), batches), engine, rtol=1e-6)


@pytest.mark.parametrize("setting", [name for name in SETTINGS if name != "default dtype"])  # that gives a carry of another dtype
def test_a_setting_that_changes_between_steps_of_one_plan(setting: str) -> None:
    w = expected = draw(3, 3, dtype=torch.float32)
    plan = pm.Plan(moody, w)
    for i, name in enumerate(["none", "none", "none", setting, setting, setting, "none"]):
        x = draw(3, 3, seed=i, dtype=torch.float32)
        with SETTINGS[name]():
            expected, J = moody(expected, x)
            torch.testing.assert_close(plan.step(x), float(J), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(plan.carry(), expected, rtol=1e-6, atol=1e-6)


@every
@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_a_fold_under_a_default_device(device: str, engine: pm.Engine) -> None:
    step, carry, made = trained()
    expected = pm.fold(step, engine="pure")(carry, made)
    with torch.device(device):
        got = pm.fold(step, engine=engine)(carry, made)
    assert got[1].device.type == "cpu"
    close(got, expected)


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
