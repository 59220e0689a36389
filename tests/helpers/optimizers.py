"""The optimizers and schedules of the registry, each beside that of torch, and a problem to run them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from pure_mlp import Linear, Optimizer, tree_leaves, tree_map
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
from pure_mlp.registry.rows import OptimizerRow
from pure_mlp.registry.schedules import SCHEDULE_ROWS

Params = tuple[Linear, tuple[()], Linear]
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


def drawn(seed: int) -> Params:
    g = Generator().manual_seed(seed)
    shapes = ((3, 4), (3,), (2, 3), (2,))
    w, b, v, c = (torch.randn(shape, generator=g, dtype=torch.float64) for shape in shapes)
    return Linear(w, b), (), Linear(v, c)


def gradient(params: Params, t: int) -> Params:
    """That of a quartic bowl whose centre moves with t, so that no two steps are alike."""
    return tree_map(lambda p, c: (p - c) + 0.1 * (p - c) ** 3, params, drawn(1000 + t))


def ran(optimizer: Optimizer, steps: int = 20) -> Params:
    params = drawn(0)
    state = optimizer.init(params)
    for t in range(steps):
        params, state = optimizer.update(params, gradient(params, t), state)
    return params


def same(a: object, b: object) -> bool:
    return all(torch.equal(x, y) for x, y in zip(tree_leaves(a), tree_leaves(b), strict=True))
