"""A row of one's own beside those of the library."""

from __future__ import annotations

from typing import Any, TypeVar

from pure_mlp.layer import Layer
from pure_mlp.registry.inits import INIT_ROWS
from pure_mlp.registry.layer_row import LayerRow
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.loss_row import LossRow
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
from pure_mlp.registry.rows import InitRow, OptimizerRow, Row, ScheduleRow
from pure_mlp.registry.schedules import SCHEDULE_ROWS
from pure_mlp.shapes import spec

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
_FUNCTIONS: dict[type, tuple[str, ...]] = {
    LayerRow: ("reference?", "make?", "init?", "inputs?", "params?", "evaluated?", "equation?"),
    LossRow: ("function", "reference", "labels"),
    OptimizerRow: ("make", "reference?", "formula?"),
    ScheduleRow: ("make", "reference?"),
    InitRow: ("init", "variance", "reference?"),
}
"""Which fields are functions; with ? they may be None."""


def register(row: R) -> R:
    """Put a row into its table, so that `pure-mlp check` tries its laws, and `init` knows the params of a layer.

    Args:
        row: a `LayerRow`, or the row of a loss, an optimizer, a schedule or an init.

    Returns:
        The same row.

    Raises:
        ValueError: its table has a row of this name; what is no row, or a row with something else in the place of the layer or of
            a function.

    >>> from pure_mlp import relu
    >>> register(LayerRow("relu", relu))
    Traceback (most recent call last):
    ValueError: register: there is a LayerRow 'relu' already
    """
    kind = type(row)
    if kind not in TABLES:
        raise ValueError(f"register: {spec(row)}, expected {', '.join(k.__name__ for k in TABLES)}")
    name: object = row.name
    if not isinstance(name, str) or not name:
        raise ValueError(f"register: a {kind.__name__} whose name is {name!r}, expected a text")
    if isinstance(row, LayerRow) and not isinstance(row.layer, Layer):
        raise ValueError(f"register: layer of {row.name!r} is {spec(row.layer)}, expected a Layer")
    for field in _FUNCTIONS[kind]:
        given = getattr(row, field.rstrip("?"))
        if not callable(given) and not (field[-1] == "?" and given is None):
            raise ValueError(f"register: {field.rstrip('?')} of {row.name!r} is {spec(given)}, expected a function")
    table = TABLES[kind]
    if row.name in table:
        raise ValueError(f"register: there is a {kind.__name__} {row.name!r} already")
    table[row.name] = row
    return row
