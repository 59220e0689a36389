"""The optimizers: one row each. The order is that of the command line's choices."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.optim.adam import adam, adamw
from pure_mlp.optim.lion import lion
from pure_mlp.optim.rmsprop import rmsprop
from pure_mlp.optim.sgd import sgd
from pure_mlp.registry.rows import OptimizerRow

__all__ = ["OPTIMIZER_ROWS"]


def _lion(
    lr: float, p: Tensor, g: Tensor, *slots: Tensor, b1: float = 0.9, b2: float = 0.99, weight_decay: float = 0.0
) -> tuple[Tensor, ...]:
    m = slots[0] if slots else torch.zeros_like(g)
    return p - lr * (torch.sign(b1 * m + (1 - b1) * g) + weight_decay * p), b2 * m + (1 - b2) * g


_ROWS = (
    OptimizerRow(
        "adam",
        adam,
        lambda ps, lr, b1=0.9, b2=0.999, eps=1e-8, **decay: torch.optim.Adam(ps, lr, (b1, b2), eps, **decay),
        variants={
            "all": {"b1": 0.8, "b2": 0.95, "eps": 1e-3, "weight_decay": 0.1},
            "without memory": {"b1": 0.0, "b2": 0.0},
        },
    ),
    OptimizerRow(
        "adamw",
        adamw,
        lambda ps, lr, b1=0.9, b2=0.999, eps=1e-8, **decay: torch.optim.AdamW(ps, lr, (b1, b2), eps, **decay),
        variants={"all": {"b1": 0.8, "b2": 0.95, "eps": 1e-3, "weight_decay": 0.3}},
    ),
    OptimizerRow(
        "sgd",
        sgd,
        torch.optim.SGD,
        rate=1e-1,
        variants={
            "with decay": {"weight_decay": 0.1},
            "with momentum": {"momentum": 0.9},
            "nesterov": {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
        },
    ),
    OptimizerRow(
        "rmsprop",
        rmsprop,
        torch.optim.RMSprop,
        variants={"all": {"alpha": 0.9, "eps": 1e-3, "momentum": 0.7, "weight_decay": 0.1}},
    ),
    OptimizerRow(
        "lion",
        lion,
        formula=_lion,
        rate=1e-4,
        variants={"all": {"b1": 0.5, "b2": 0.8, "weight_decay": 0.1}},
    ),
)
OPTIMIZER_ROWS: dict[str, OptimizerRow] = {row.name: row for row in _ROWS}
"""By name; `register` adds to it."""
