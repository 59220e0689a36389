"""Under `torch.func.vmap` there are no rules for lists: every optimizer's fallbacks, tensor by tensor, against a loop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from optimizers import OPTIMIZERS, SCHEDULES
from torch import Generator, Tensor
from torch.func import vmap

import pure_mlp as pm

ALL: dict[str, Callable[[], pm.Optimizer]] = {
    **{name: lambda row=row: row.make(0.05) for name, row in OPTIMIZERS.items()},  # type: ignore[misc]  # row is bound at once
    **{f"sgd, {name}": lambda row=row: pm.sgd(row.make(0.05), 0.9) for name, row in SCHEDULES.items()},  # type: ignore[misc]
    **{f"adam, {name}": lambda row=row: pm.adam(row.make(0.05)) for name, row in SCHEDULES.items()},  # type: ignore[misc]
    **{f"rmsprop, {name}": lambda row=row: pm.rmsprop(row.make(0.05)) for name, row in SCHEDULES.items()},  # type: ignore[misc]
    "adamw, cosine": lambda: pm.adamw(pm.cosine(0.05, 9), weight_decay=0.3),
    "clipped by norm": lambda: pm.chain(pm.clip_by_global_norm(0.5), pm.adam(0.05)),
    "clipped by value": lambda: pm.chain(pm.clip_by_value(0.5), pm.sgd(0.05, 0.9, nesterov=True)),
}
MANY = 5
Params = tuple[Tensor, tuple[Tensor, ...]]


def stacked(seed: int, scale: float = 1.0) -> Params:
    """MANY params of leaves of different sizes, one of them a number, one empty."""
    g = Generator().manual_seed(seed)
    a, b, c, d = (scale * torch.randn(MANY, *s, generator=g, dtype=torch.float64) for s in ((3, 4), (7,), (), (0, 2)))
    return a, (b, c, d)


def close(got: object, expected: object, *, rtol: float = 1e-12) -> None:
    for mine, theirs in zip(pm.tree_leaves(got), pm.tree_leaves(expected), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_vmapped_updates_are_those_of_a_loop(name: str) -> None:
    """Three updates in a row, so that counts and slots are not what they began as; gradients of size 1e-2 to 1e2."""
    optimizer = ALL[name]()
    params = stacked(0)
    states = vmap(optimizer.init)(params)
    each = [pm.tree_map(lambda t: t[i], params) for i in range(MANY)]  # noqa: B023  # called at once
    alone = [optimizer.init(p) for p in each]
    for t in range(3):
        grads = stacked(10 + t, 10.0 ** (2 * t - 2))
        params, states = vmap(optimizer.update)(params, grads, states)
        for i in range(MANY):
            grad = pm.tree_map(lambda g: g[i], grads)  # noqa: B023
            each[i], alone[i] = optimizer.update(each[i], grad, alone[i])
        close(params, stack(each))
        close(states, stack(alone))


def stack(trees: list[pm.State[Params]] | list[Params]) -> object:
    """The trees as one, with a leading dimension."""
    leaves = zip(*(pm.tree_leaves(tree) for tree in trees))
    return pm.tree_like(trees[0], [torch.stack(several) for several in leaves])
