"""The table of optimizers and schedules, each beside that of torch, and a problem to run them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.optim import lr_scheduler

from pure_mlp import (
    Linear,
    Optimizer,
    Schedule,
    adam,
    adamw,
    constant,
    cosine,
    rmsprop,
    sgd,
    step_decay,
    tree_leaves,
    tree_map,
    warmup,
)

Params = tuple[Linear, tuple[()], Linear]


class Case(NamedTuple):
    """An optimizer of ours and of torch, as functions of the learning rate."""

    ours: Callable[[float | Schedule], Optimizer]
    torch: Callable[[list[Tensor], float], torch.optim.Optimizer]


OPTIMIZERS = {
    "sgd": Case(sgd, torch.optim.SGD),
    "sgd decay": Case(lambda lr: sgd(lr, weight_decay=0.1), lambda p, lr: torch.optim.SGD(p, lr, weight_decay=0.1)),
    "momentum": Case(lambda lr: sgd(lr, 0.9), lambda p, lr: torch.optim.SGD(p, lr, 0.9)),
    "nesterov": Case(
        lambda lr: sgd(lr, 0.8, nesterov=True, weight_decay=0.1),
        lambda p, lr: torch.optim.SGD(p, lr, 0.8, nesterov=True, weight_decay=0.1),
    ),
    "adam": Case(adam, torch.optim.Adam),
    "adam all": Case(
        lambda lr: adam(lr, 0.8, 0.95, 1e-3, weight_decay=0.1),
        lambda p, lr: torch.optim.Adam(p, lr, (0.8, 0.95), 1e-3, weight_decay=0.1),
    ),
    "adam without memory": Case(lambda lr: adam(lr, 0.0, 0.0), lambda p, lr: torch.optim.Adam(p, lr, (0.0, 0.0))),
    "adamw": Case(adamw, torch.optim.AdamW),
    "adamw all": Case(
        lambda lr: adamw(lr, 0.8, 0.95, 1e-3, weight_decay=0.3),
        lambda p, lr: torch.optim.AdamW(p, lr, (0.8, 0.95), 1e-3, weight_decay=0.3),
    ),
    "rmsprop": Case(rmsprop, torch.optim.RMSprop),
    "rmsprop all": Case(
        lambda lr: rmsprop(lr, 0.9, 1e-3, momentum=0.7, weight_decay=0.1),
        lambda p, lr: torch.optim.RMSprop(p, lr, 0.9, 1e-3, momentum=0.7, weight_decay=0.1),
    ),
}
SCHEDULES: dict[str, tuple[Schedule, Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]]] = {
    "constant": (constant(0.05), lambda o: lr_scheduler.ConstantLR(o, 1.0)),
    "step": (step_decay(0.05, 7, 0.3), lambda o: lr_scheduler.StepLR(o, 7, 0.3)),
    "cosine": (cosine(0.05, 20, 0.01), lambda o: lr_scheduler.CosineAnnealingLR(o, 20, 0.01)),
    "warm-up": (warmup(constant(0.05), 8), lambda o: lr_scheduler.LinearLR(o, 1 / 8, total_iters=7)),
}


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
