"""The laws of an optimizer, tried on params of several leaves in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Generator, Tensor
from torch.func import vmap

from pure_mlp.check.laws import tried
from pure_mlp.check.purity import Unchanged, named
from pure_mlp.check.report import Report
from pure_mlp.check.trials import far
from pure_mlp.layers.linear import Linear
from pure_mlp.optim.optimizer import Optimizer
from pure_mlp.optim.schedules import constant
from pure_mlp.record import tree_leaves, tree_like, tree_map
from pure_mlp.registry.rows import OptimizerRow
from pure_mlp.shapes import spec

__all__ = ["OPTIMIZER_LAWS", "Params", "descended", "drawn", "gradient", "optimizer_laws"]

Params = tuple[Linear, tuple[()], Linear]
RATE, STEPS = 0.05, 20


def optimizer_laws(row: OptimizerRow) -> Iterator[Report]:
    """The report of the optimizer, and one for each of its variants.

    >>> from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
    >>> [report.ok for report in optimizer_laws(OPTIMIZER_ROWS["adamw"])]
    [True, True]
    """
    for sample in row.samples():
        yield tried(sample.name, {law: partial(f, sample) for law, f in OPTIMIZER_LAWS.items()})


def drawn(seed: int) -> Params:
    """Params of two linear layers with a layer without params between them.

    >>> drawn(0)[0].weight.shape
    torch.Size([3, 4])
    """
    g = Generator().manual_seed(seed)
    w, b, v, c = (torch.randn(shape, generator=g, dtype=torch.float64) for shape in ((3, 4), (3,), (2, 3), (2,)))
    return Linear(w, b), (), Linear(v, c)


def gradient(params: Params, t: int) -> Params:
    """The gradient of a quartic bowl whose centre moves with t, so that no two steps are alike.

    >>> bool(gradient(drawn(1000), 0)[0].weight.any())
    False
    """
    return tree_map(lambda p, centre: (p - centre) + 0.1 * (p - centre) ** 3, params, drawn(1000 + t))


def descended(optimizer: Optimizer, steps: int = STEPS) -> Params:
    """`drawn(0)` after some updates.

    >>> from pure_mlp import sgd
    >>> torch.equal(descended(sgd(0.0))[0].weight, drawn(0)[0].weight)
    True
    """
    params = drawn(0)
    state = optimizer.init(params)
    for t in range(steps):
        params, state = optimizer.update(params, gradient(params, t), state)
    return params


def _apart(what: str, got: object, wanted: object, limit: float = 1e-12) -> str:
    pairs = zip(named(tree=got), tree_leaves(wanted))
    return next(filter(None, (far(f"{what} {name.partition('.')[2]}", a, b, limit) for (name, a), b in pairs)), "")


def _structure(row: OptimizerRow) -> str:
    """An update returns params like the params and a state like the state."""
    optimizer, params = row.make(RATE), drawn(0)
    state = optimizer.init(params)
    after, new = optimizer.update(params, drawn(1), state)
    got = [(name, spec(t)) for name, t in named(params=after, state=new)]
    wanted = [(name, spec(t)) for name, t in named(params=params, state=state)]
    return "" if got == wanted else f"an update returns {got}, expected {wanted}"


def _values(row: OptimizerRow) -> str:
    """Twenty steps are those of the formula, where there is one."""
    if row.formula is None:
        return ""
    params = drawn(0)
    slots: list[list[Tensor]] = [[] for _ in tree_leaves(params)]
    for t in range(STEPS):
        leaves = zip(tree_leaves(params), tree_leaves(gradient(params, t)), slots)
        results = [row.formula(RATE, p, g, *kept) for p, g, kept in leaves]
        params, slots = tree_like(params, [p for p, *_ in results]), [kept for _, *kept in results]
    return _apart(f"after {STEPS} steps", descended(row.make(RATE)), params)


def _schedule(row: OptimizerRow) -> str:
    """A constant schedule is a number."""
    return _apart("with a constant schedule", descended(row.make(constant(RATE))), descended(row.make(RATE)))


def _pure(row: OptimizerRow) -> str:
    """An update writes to nothing that it is given."""
    optimizer, params, grads = row.make(constant(RATE)), drawn(0), drawn(1)
    state = optimizer.update(params, grads, optimizer.init(params))[1]
    given = Unchanged(named(params=params, grads=grads, state=state))
    optimizer.update(params, grads, state)
    return f"update writes to {', '.join(given.changed())}" if given.changed() else ""


def _deterministic(row: OptimizerRow) -> str:
    """The same bits every time."""
    optimizer = row.make(RATE)
    return _apart("a second time", descended(optimizer), descended(optimizer), 0.0)


def _dtypes(row: OptimizerRow) -> str:
    """Params of every dtype keep it, and stay finite."""
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        optimizer, params = row.make(RATE), tree_map(lambda t: t.to(dtype), drawn(0))  # noqa: B023  # called at once
        state = optimizer.init(params)
        for t in range(3):
            params, state = optimizer.update(params, tree_map(lambda t: t.to(dtype), drawn(t)), state)  # noqa: B023
        for name, p in named(params=params):
            if p.dtype != dtype or not bool(p.isfinite().all()):
                return f"{name} of {dtype} become {spec(p)}, {p.flatten()[0].item():g} and so on"
    return ""


def _vmap(row: OptimizerRow) -> str:
    """Three trees stacked and updated by `torch.func.vmap` are those updated alone."""
    optimizer, trees = row.make(RATE), [drawn(seed) for seed in range(3)]
    states = [optimizer.init(params) for params in trees]
    params, state = _stacked(trees), vmap(optimizer.init)(_stacked(trees))
    for t in range(3):
        grads = [gradient(tree, t) for tree in trees]
        params, state = vmap(optimizer.update)(params, _stacked(grads), state)
        updated = [optimizer.update(*given) for given in zip(trees, grads, states)]
        trees, states = [tree for tree, _ in updated], [one for _, one in updated]
    return _apart("in vmap", params, _stacked(trees))


def _stacked(trees: list[Params]) -> Params:
    a, b, c = trees
    return tree_map(lambda x, y, z: torch.stack((x, y, z)), a, b, c)


OPTIMIZER_LAWS: dict[str, Callable[[OptimizerRow], str]] = {
    "structure": _structure,
    "values": _values,
    "schedule": _schedule,
    "pure": _pure,
    "deterministic": _deterministic,
    "dtypes": _dtypes,
    "vmap": _vmap,
}
"""By name, what is wrong with an optimizer: "" where the law holds."""
