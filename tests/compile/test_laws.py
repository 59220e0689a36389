"""The law of engines over drawn nets, losses, optimizers, sizes, rates, weights and layouts."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from fuzz import nets
from fuzz.program import GLOBALS
from fuzz.values import LAYOUTS
from torch import Generator, Tensor

import pure_mlp as pm

from .engines import fast
from .laws import Step, broken, exactly, offs, orders, planned, pure

ROWS = [0, 1, 2, 7, 33, 256, 1000, 4096, 65_536]
RATES = ["1.0", "1e-1", "1e-2", "1e-4", "1e-5", "1e-7"]
SCALES = [1e-3, 1.0, 1.0, 30.0, 1e3]
WIDE = 8


def draw_step(seed: int) -> tuple[Step, Any, pm.Batch, str]:
    """A training step of the library, its carry and a batch in float32, and what was drawn."""
    random = Random(seed)
    n, n_in, n_out = random.choice(ROWS), random.choice([1, 4, WIDE]), random.choice([1, 3])
    net, params = nets.net(random, n_in, n_out)
    rule = nets.optimizer(random, random.choice(RATES))
    loss, scale, layout = random.choice(nets.LOSSES), random.choice(SCALES), random.choice([*LAYOUTS])
    scope = {**GLOBALS, "g": Generator().manual_seed(seed), "d": torch.float32}
    several = random.random() < 0.2
    made, start, optimizer, function = (eval(text, scope) for text in (net, params, rule, loss))
    start = pm.tree_map(lambda t: t * scale, start)
    lead = (2,) if several else ()
    if several:
        made, start = pm.ensemble(made), pm.tree_map(lambda t: torch.stack((t, 0.5 * t)), start)
    x = LAYOUTS[layout](normal((*lead, n, n_in), seed) + 0.5)
    y = LAYOUTS[layout](normal((*lead, n, n_out), seed + 1).sigmoid())
    batch = (x, y.argmax(-1) if "cross_entropy" in loss else y)
    carry = (start, state_of(optimizer, start, seed))
    words = f"seed {seed}: {n} rows {layout}, weights times {scale}, {'two of ' if several else ''}{net}, {loss}, {rule}"
    return pm.training_step(made, function, optimizer), carry, batch, words


def normal(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed))


def state_of(optimizer: pm.Optimizer, params: Any, seed: int) -> Any:
    """A state in the middle of training: two updates by drawn gradients of size 0.01."""
    state = optimizer.init(params)
    for i in range(2):
        leaves = pm.tree_leaves(params)
        grads = pm.tree_like(params, [0.01 * normal(tuple(leaf.shape), seed + 7 * i + j) for j, leaf in enumerate(leaves)])
        _, state = optimizer.update(params, grads, state)
    return state


@fast
@pytest.mark.parametrize("part", range(2))
def test_changes_in_float32(part: int, engine: pm.Engine) -> None:
    """2 times the pure step's error, and an ulp of the leaf where the change is below it.

    A lucky pure step is told from a bad engine by one more rounding, and luck must be rare: a step in fifty.
    """
    wrong, lucky, taken = [], 0, 0
    for seed in range(1000 * part, 1000 * part + (30 if engine == "plan" else 8)):
        step, carry, batch, words = draw_step(seed)
        try:
            found = offs(step, carry, batch, planned(step, carry, batch, engine))
        except pm.Unplannable:
            continue
        taken += 1
        lucky += bool(broken(found, strict=True))
        wrong += [f"{words}: {off}" for off in broken(found)]
    assert not wrong, f"{len(wrong)} leaves:\n" + "\n".join(wrong[:20])
    assert taken > 3
    assert lucky <= 1 + taken // 50


@fast
def test_changes_in_float64(engine: pm.Engine) -> None:
    """1e-12 of the change: with rows enough, 65,536 roundings of 1e-16 stay below it."""
    wrong = []
    for seed in range(5000, 5000 + (30 if engine == "plan" else 8)):
        step, carry, batch, words = draw_step(seed)
        carry, batch = pm.tree_map(lambda t: t.double() if t.is_floating_point() else t, (carry, batch))
        try:
            wrong += [f"{words}: {off}" for off in exactly(step, carry, batch, engine)]
        except pm.Unplannable:
            continue
    assert not wrong, f"{len(wrong)} leaves:\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize("seed", range(6000, 6008))
def test_the_law_spares_the_pure_step_in_other_orders(seed: int) -> None:
    """The law itself, tried: rows in another order are other roundings and no fault."""
    step, carry, batch, words = draw_step(seed)
    for order in orders(batch, 1000 + seed):
        assert not broken(offs(step, carry, batch, pure(step, carry, order))), words
