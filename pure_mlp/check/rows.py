"""The laws over rows of the registry, and over a file that registers some."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import torch

from pure_mlp.check.differences import pulled
from pure_mlp.check.laws import laws, tried
from pure_mlp.check.purity import Unchanged, named
from pure_mlp.check.report import Report
from pure_mlp.check.trials import far
from pure_mlp.losses.reduction import Reduction
from pure_mlp.registry.layer_row import LayerRow
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.loss_row import LossRow
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.samples import WIDTH

__all__ = ["layer_laws", "loss_laws", "registered_by"]


def layer_laws(row: LayerRow) -> Iterator[Report]:
    """The report of the layer, and one for each set of hyperparameters.

    >>> [report.ok for report in layer_laws(LAYER_ROWS["softplus"])]
    [True, True]
    """
    for sample in row.samples():
        params, x, _ = sample.draw((3, WIDTH))
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
    """The report of the loss, and one for each variant; a law a reduction.

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


def registered_by(path: Path) -> list[LayerRow | LossRow]:
    """The rows of layers and losses that a file registers. The file is run.

    Args:
        path: a Python file.

    Returns:
        The rows, in order.

    Raises:
        ValueError: the file registers none, or cannot be run.
        OSError: there is no such file.

    >>> registered_by(Path(__file__))
    Traceback (most recent call last):
    ValueError: rows.py registers no layer and no loss; see `pure-mlp docs adding`
    """
    before = {*LAYER_ROWS, *LOSS_ROWS}
    path.stat()
    try:
        runpy.run_path(str(path))
    except Exception as error:
        raise ValueError(f"{path.name}: {type(error).__name__}: {error}") from error
    rows = [row for table in (LAYER_ROWS, LOSS_ROWS) for name, row in table.items() if name not in before]
    if not rows:
        raise ValueError(f"{path.name} registers no layer and no loss; see `pure-mlp docs adding`")
    return rows
