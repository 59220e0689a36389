"""A step whose values or shapes leave its tensors is refused by the plan, never planned into wrong numbers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from planned import F64, draw, pieces, pure
from torch import Tensor

from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.plan import Plan


def read(x: Tensor, way: str) -> Any:
    """The sum of x, by a way out of the tensors."""
    if way == "tolist":
        return sum(x.flatten().tolist())
    if way == "numpy":
        pytest.importorskip("numpy", reason="a way out by its arrays")
        return float(x.numpy().sum())
    if way == "array":
        return float(pytest.importorskip("numpy", reason="a way out by its arrays").asarray(x).sum())
    if way == "dlpack":
        return torch.from_dlpack(x).sum()  # type: ignore[attr-defined]  # not in the stub, for it is refused
    if way == "list":
        return torch.tensor([x.sum(), x.mean()]).sum()
    if way == "deepcopy":
        return copy.deepcopy(x).sum()
    if way == "pickle":
        return pickle.loads(pickle.dumps(x)).sum()
    if way == "equal":
        return 1.0 if torch.equal(x, x.abs()) else 2.0
    if way == "mask":
        return x[x > 0].sum()
    if way == "masked_select":
        return torch.masked_select(x, x > 0).mean()
    if way == "nonzero":
        return (x > 0).nonzero().shape[0] * 1.0
    if way == "unique":
        return x.round().unique().numel() * 1.0
    if way == "sparse":
        return (x.to_sparse() @ x.t()).sum()
    return sum(row.sum() for row in x)


COPIES = ["tolist", "numpy", "array", "dlpack", "list", "deepcopy", "pickle"]
SHAPES = ["equal", "mask", "masked_select", "nonzero", "unique", "sparse", "rows"]


@pytest.mark.parametrize("way", COPIES + SHAPES)
def test_what_leaves_the_tensors_is_refused_with_its_line(way: str) -> None:
    def step(w: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return w * 0.9 + read(batch[0], way), w.sum()

    assert isinstance(step(draw(6), pieces(6, 6)[0])[0], Tensor)
    with pytest.raises(Unplannable, match=r"test_refusals\.py|copy\.py|pickle"):
        Plan(step, draw(6), pieces(6, 6)[0])


def test_an_index_without_a_mask_is_planned() -> None:
    def step(w: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        order = batch[0].argsort(0)[:, 0]
        return w * 0.9 + batch[0][order][0], w.sum()

    _close(step)


def test_a_power_by_a_number_is_that_of_the_pure_step() -> None:
    """`pow` writes into memory by another overload for a number than for a tensor."""
    _close(lambda w, batch: (w * 0.9 + batch[0].abs().pow(1.5).sum(0), w.pow(2).sum()))
    _close(lambda w, batch: (w * 0.9 + torch.bernoulli(torch.full((6,), 1.0, dtype=F64), 1.0), w.pow(2).sum()))


def _close(step: Any) -> None:
    planned = Plan(step, draw(6), pieces(6, 6)[0])
    losses = [planned.step(batch) for batch in pieces(6, 6)]
    carry, expected = pure(step, draw(6), pieces(6, 6))
    torch.testing.assert_close(planned.carry(), carry, rtol=1e-12, atol=1e-12)
    assert losses == pytest.approx(expected.tolist(), rel=1e-12, abs=0)


def test_lists_in_place_are_refused_where_one_of_them_was_given() -> None:
    def step(w: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        torch._foreach_add_([w.exp(), batch[0]], 1.0)
        return w * 0.9, w.sum()

    with pytest.raises(Unplannable, match="writes in place to a tensor not born in the step"):
        Plan(step, draw(6), pieces(6, 6)[0])
