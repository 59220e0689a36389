"""The laws of each row of the registry, and of the rows that a file registers."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Generator

from pure_mlp.check.differences import pulled
from pure_mlp.check.init_laws import init_laws
from pure_mlp.check.laws import laws, tried
from pure_mlp.check.optimizer_laws import optimizer_laws
from pure_mlp.check.purity import Unchanged, named
from pure_mlp.check.report import Report
from pure_mlp.check.schedule_laws import schedule_laws
from pure_mlp.check.trials import far
from pure_mlp.losses.reduction import Reduction
from pure_mlp.registry.layer_row import LayerRow
from pure_mlp.registry.loss_row import LossRow
from pure_mlp.registry.register import TABLES
from pure_mlp.registry.rows import InitRow, OptimizerRow, Row, ScheduleRow
from pure_mlp.registry.samples import WIDTH

__all__ = ["layer_laws", "loss_laws", "registered_by", "row_laws"]


def layer_laws(row: LayerRow) -> Iterator[Report]:
    """The report of the layer, and one for each set of hyperparameters.

    >>> from pure_mlp.registry.layers import LAYER_ROWS
    >>> [report.ok for report in layer_laws(LAYER_ROWS["softplus"])]
    [True, True]
    """
    for sample in row.samples():
        params, x = sample.draw_point((3, WIDTH), Generator().manual_seed(0))
        reference, shared, kinks = sample.reference, sample.shared, sample.kinks
        yield laws(
            sample.layer,
            params,
            x,
            name=sample.name,
            reference=reference,
            shared=shared,
            kinks=kinks,
            has_dx=sample.has_dx,
            independent=sample.independent,
        )


def loss_laws(row: LossRow) -> Iterator[Report]:
    """The report of the loss, and one for each variant, with one law for each reduction.

    >>> from pure_mlp.registry.losses import LOSS_ROWS
    >>> [report.ok for report in loss_laws(LOSS_ROWS["mse"])]
    [True]
    """
    for sample in row.samples():
        yield tried(sample.name, {f"{r}": partial(_reduced, sample, r) for r in get_args(Reduction)})


def _reduced(row: LossRow, reduction: Reduction) -> str:
    """The value against the reference, the gradient against differences, nothing written to."""
    y, y_hat = row.draw((3, WIDTH))
    given = Unchanged(named(y=y, y_hat=y_hat))
    J, dy_hat = row.loss(y, y_hat, reduction)
    if changed := given.changed():
        return f"it writes to {', '.join(changed)}"
    difference = pulled(lambda t: row.loss(y, t, reduction)[0], y_hat, torch.ones_like(J))
    return far("J", J, row.expected(y, y_hat, reduction), 1e-12) or far("dJ/dy_hat", dy_hat, difference, 1e-9)


_LAWS: dict[type, Callable[[Any], Iterator[Report]]] = {
    LayerRow: layer_laws,
    LossRow: loss_laws,
    OptimizerRow: optimizer_laws,
    ScheduleRow: schedule_laws,
    InitRow: init_laws,
}


def row_laws(row: Row) -> Iterator[Report]:
    """The reports of a row of any kind.

    >>> from pure_mlp.registry.inits import INIT_ROWS
    >>> [report.ok for report in row_laws(INIT_ROWS["zeros"])]
    [True]
    """
    return _LAWS[type(row)](row)


def registered_by(path: Path) -> list[Row]:
    """The rows that a file registers. The file is run.

    Args:
        path: a Python file.

    Returns:
        The rows: of layers, losses, optimizers, schedules, inits, in this order.

    Raises:
        ValueError: the file registers none, or cannot be run.
        OSError: there is no such file.

    >>> registered_by(Path(__file__))
    Traceback (most recent call last):
    ValueError: rows.py registers nothing; see `pure-mlp docs adding`
    """
    before = [{*table} for table in TABLES.values()]
    path.stat()
    try:
        runpy.run_path(str(path))
    except Exception as error:
        raise ValueError(f"{path.name}: {type(error).__name__}: {error}") from error
    rows: list[Row] = [table[name] for table, old in zip(TABLES.values(), before) for name in table if name not in old]
    if not rows:
        raise ValueError(f"{path.name} registers nothing; see `pure-mlp docs adding`")
    return rows
