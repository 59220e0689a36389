"""The law of engines: what a step CHANGES is off from float64 by at most two times what the pure step in float32 is off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from fuzz.noise import Noise
from torch import Generator, Tensor

from pure_mlp import Engine, Plan, tree_items, tree_leaves, tree_map

Step = Callable[[Any, Any], tuple[Any, Tensor]]
EPS = torch.finfo(torch.float32).eps


class Off(NamedTuple):
    """How far one leaf's change, or the loss, is off in its largest element, and what it is compared with.

    pure: what the pure step is off, at most, over orders of the rows. rounded: over runs that round once more as well.
    """

    path: str
    mine: float
    pure: float
    rounded: float
    change: float
    leaf: float


def double(tree: Any) -> Any:
    """The tree with its floating-point leaves in float64."""
    return tree_map(lambda t: t.double() if t.is_floating_point() else t, tree)


def pure(step: Step, carry: Any, batch: Any) -> list[Tensor]:
    """New minus old of every leaf, and the loss, after one pure step, in float64."""
    after, loss = step(carry, batch)
    return [*differences(after, carry), loss.double()]


def planned(step: Step, carry: Any, batch: Any, engine: Engine) -> list[Tensor]:
    """The same by the engine's program itself. Raises `Unplannable` where the engine does not take the step."""
    program = Plan(step, carry, batch, engine=engine)
    loss = program.step(batch)
    return [*differences(program.carry(), carry), torch.tensor(loss, dtype=torch.float64)]


def differences(new: Any, old: Any) -> list[Tensor]:
    return [a.double() - b.double() for a, b in zip(tree_leaves(new), tree_leaves(old), strict=True)]


def largest(t: Tensor) -> float:
    return float(t.abs().max()) if t.numel() else 0.0


def orders(batch: Any, seed: int) -> list[Any]:
    """The same rows as they came, laid out anew, and in three other orders: what the pure step makes of each is as good."""
    x, y = batch
    rows = x.dim() - 2
    draws = [torch.randperm(x.shape[rows], generator=Generator().manual_seed(seed + i)) for i in range(3)]
    shuffled = [(x.index_select(rows, order), y.index_select(rows, order)) for order in draws]
    return [batch, (x.clone(memory_format=torch.contiguous_format), y.clone(memory_format=torch.contiguous_format)), *shuffled]


def offs(step: Step, carry: Any, batch: Any, mine: list[Tensor]) -> list[Off]:
    """Every change and the loss, and those of the pure step, against the pure step in float64 from the same numbers.

    What is not finite in float64 is left out: infinities are other tests' business.
    """
    exact = pure(step, double(carry), double(batch))
    theirs = [pure(step, carry, order) for order in orders(batch, 0)]
    again = [*theirs]
    for seed in range(3):
        with Noise(seed, ulps=0.5):
            again.append(pure(step, carry, batch))
    paths = [path for path, _ in tree_items(carry)] + ["loss"]
    sizes = [largest(leaf) for leaf in tree_leaves(carry)] + [0.0]

    def worst(runs: list[list[Tensor]], i: int, e: Tensor) -> float:
        return max(largest(run[i] - e) for run in runs)

    return [
        Off(path, largest(mine[i] - e), worst(theirs, i, e), worst(again, i, e), largest(e), size)
        for i, (path, e, size) in enumerate(zip(paths, exact, sizes, strict=True))
        if bool(e.isfinite().all())
    ]


def broken(found: list[Off], *, strict: bool = False, factor: float = 2.0, ulps: float = 1.0, floor: float = 4.0) -> list[Off]:
    """The leaves that break the law; errors are largest ones over a leaf, so that one lucky element decides nothing.

    strict: whether the pure step's error is taken from its own runs alone. They are right by luck now and then, with two rows and a
    saturated softmax, say, where the next rounding moves the result by more than the engine is off.

    factor: of the pure step's error. ulps: of the leaf's largest number, since rounding new = old + change costs the engine and the
    pure step half an ulp each, on other sides perhaps; a change below that is not seen at all. floor: eps of the change itself, for
    another order of the same operations, (p - lr wd p) - lr g or p - lr (g + wd p), say.
    """
    slack = {o: factor * (o.pure if strict else o.rounded) + ulps * EPS * o.leaf + floor * EPS * o.change for o in found}
    return [o for o in found if not o.mine <= slack[o]]


def exactly(step: Step, carry: Any, batch: Any, engine: Engine, *, rtol: float = 1e-12) -> list[Off]:
    """In float64 there is nothing better to compare with: what is off from the pure step by more than rtol of the change.

    And one ulp of the leaf, as in float32.
    """
    expected, mine = pure(step, carry, batch), planned(step, carry, batch, engine)
    eps = torch.finfo(torch.float64).eps
    sizes = [largest(leaf) for leaf in tree_leaves(carry)] + [0.0]
    paths = [path for path, _ in tree_items(carry)] + ["loss"]
    rows = zip(paths, mine, expected, sizes, strict=True)
    found = [Off(p, largest(a - e), 0.0, 0.0, largest(e), size) for p, a, e, size in rows if bool(e.isfinite().all())]
    return [o for o in found if not o.mine <= rtol * o.change + eps * o.leaf]
