"""Operations of torch in every dtype, with numbers for tensors: planned or refused, never an error of the engine's own."""

from __future__ import annotations

import pytest
import torch
from fuzz.loop import Case

import pure_mlp as pm

from .children import child
from .engines import agrees, draw, fast
from .operations import PAIRS, TOLERANCES, agree, stepped

RESIZED = [name for name in PAIRS if "_loss" in name]
"""Their `out=` forms resize what they are given, so that an address kept elsewhere is freed memory: in processes of their own."""


@fast
@pytest.mark.parametrize("name", [name for name in PAIRS if name not in RESIZED])
def test_an_operation_of_carry_and_batch(name: str, engine: pm.Engine) -> None:
    agree(name, engine)


@fast
def test_operations_that_resize_their_out(engine: pm.Engine) -> None:
    program = f"from compile.operations import agree\nfor name in {RESIZED}:\n    [agree(name, {engine!r}) for _ in range(30)]"
    child(["-c", program], {})


@fast
@pytest.mark.parametrize("name", [name for name in PAIRS if name not in RESIZED])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_an_operation_in_half_precision(name: str, dtype: torch.dtype, engine: pm.Engine) -> None:
    """Numbers of few bits, so that roundings are ties nowhere; an operation that torch has no kernel for raises from all alike."""
    w, x = (torch.randint(-12, 13, (3, 3), generator=torch.Generator().manual_seed(s)).to(dtype) / 8 for s in (0, 1))
    case = Case(stepped(PAIRS[name], False), w, [x, x + 0.25])
    agrees(lambda: case, engine, rtol=TOLERANCES[dtype])


@fast
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_forms_in_place_are_not_guessed_by_name(name: str, engine: pm.Engine) -> None:
    agrees(lambda: Case(stepped(PAIRS[name], True), draw(3, 3), [draw(3, 3, seed=1)] * 2), engine, floor="native")


@fast
def test_a_net_in_half_precision_is_planned(engine: pm.Engine) -> None:
    for dtype in (torch.float16, torch.bfloat16):
        net, params = pm.mlp((3, 4, 2), torch.Generator().manual_seed(0), pm.sigmoid, pm.sigmoid, dtype=dtype)
        step = pm.training_step(net, pm.bce, pm.sgd(0.1))
        made = [(draw(4, 3, seed=s, dtype=dtype), (draw(4, 2, seed=s) > 0).to(dtype)) for s in (1, 2)]
        case = Case(step, (params, pm.sgd(0.1).init(params)), made)
        agrees(lambda: case, engine, floor="plan", rtol=TOLERANCES[dtype])  # noqa: B023  # called at once
