"""The optimizers and schedules of the registry, each beside that of torch, and a problem to run them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pure_mlp import tree_leaves
from pure_mlp.check.optimizer_laws import Params, descended, drawn, gradient
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
from pure_mlp.registry.rows import OptimizerRow
from pure_mlp.registry.schedules import SCHEDULE_ROWS

__all__ = ["OPTIMIZERS", "SCHEDULES", "Params", "descended", "drawn", "gradient", "same", "theirs"]

OPTIMIZERS = {sample.name: sample for row in OPTIMIZER_ROWS.values() for sample in row.samples()}
SCHEDULES = {name: row for name, row in SCHEDULE_ROWS.items() if row.reference}


class ByFormula(torch.optim.Optimizer):
    """The optimizer of a formula, one tensor at a time."""

    def __init__(self, params: list[Tensor], lr: float, formula: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__(params, {"lr": lr})
        self.formula = formula

    def step(self, closure: Any = None) -> Any:
        [group] = self.param_groups
        for p in group["params"]:
            slots = self.state[p].get("slots", ())
            after, *self.state[p]["slots"] = self.formula(group["lr"], p.clone(), p.grad, *slots)
            p.copy_(after)


def theirs(row: OptimizerRow, params: list[Tensor], lr: float) -> torch.optim.Optimizer:
    """That of torch, or of the formula."""
    if row.reference is not None:
        return row.reference(params, lr)
    assert row.formula is not None
    return ByFormula(params, lr, row.formula)


def same(a: object, b: object) -> bool:
    return all(torch.equal(x, y) for x, y in zip(tree_leaves(a), tree_leaves(b), strict=True))
