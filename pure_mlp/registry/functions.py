"""What a word on the command line stands for, read from the rows."""

from __future__ import annotations

from collections.abc import Callable

from pure_mlp.layer import Activation
from pure_mlp.optim.optimizer import Optimizer
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
from pure_mlp.signatures import Loss

__all__ = ["ACTIVATIONS", "ELEMENTWISE", "LOSSES", "OPTIMIZERS", "RATES"]

ACTIVATIONS: dict[str, Activation] = {row.word: row.layer for row in LAYER_ROWS.values() if row.word}
"""The values of --f and --g; one that is not elementwise is for --g alone."""

ELEMENTWISE: tuple[str, ...] = tuple(row.word for row in LAYER_ROWS.values() if row.word and row.scalars)
"""The values of --f: the activations whose output k depends on input k alone."""

LOSSES: dict[str, Loss] = {row.name: row.mean for row in LOSS_ROWS.values() if row.tasks}
"""The values of --loss, each a mean over the examples."""

OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {row.name: row.make for row in OPTIMIZER_ROWS.values()}
"""The values of --optimizer, as functions of the learning rate."""

RATES = {row.name: row.rate for row in OPTIMIZER_ROWS.values()}
"""The learning rate of each optimizer where --lr is not given."""
