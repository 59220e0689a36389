"""A row of one's own beside those of the library."""

from __future__ import annotations

from typing import Any, TypeVar

from pure_mlp.registry.inits import INIT_ROWS
from pure_mlp.registry.layer_row import LayerRow
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.loss_row import LossRow
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
from pure_mlp.registry.rows import InitRow, OptimizerRow, Row, ScheduleRow
from pure_mlp.registry.schedules import SCHEDULE_ROWS

__all__ = ["TABLES", "register"]

R = TypeVar("R", bound=Row)

TABLES: dict[type, dict[str, Any]] = {
    LayerRow: LAYER_ROWS,
    LossRow: LOSS_ROWS,
    OptimizerRow: OPTIMIZER_ROWS,
    ScheduleRow: SCHEDULE_ROWS,
    InitRow: INIT_ROWS,
}
"""The tables by the class of their rows."""


def register(row: R) -> R:
    """Put a row into its table, so that `pure-mlp check` tries its laws, and `init` knows the params of a layer.

    Args:
        row: a `LayerRow`, or the row of a loss, an optimizer, a schedule or an init.

    Returns:
        The same row.

    Raises:
        ValueError: its table has a row of this name.

    >>> from pure_mlp import relu
    >>> register(LayerRow("relu", relu))
    Traceback (most recent call last):
    ValueError: register: there is a LayerRow 'relu' already
    """
    table = TABLES[type(row)]
    if row.name in table:
        raise ValueError(f"register: there is a {type(row).__name__} {row.name!r} already")
    table[row.name] = row
    return row
