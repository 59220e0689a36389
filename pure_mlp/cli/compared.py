"""Runs beside each other: what differs in their setups, how they ended, how they came there."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from pure_mlp.cli.recorded import Recorded
from pure_mlp.cli.request import watched
from pure_mlp.cli.run_sections import score_label
from pure_mlp.cli.setup import Setup
from pure_mlp.record import tree_leaves
from pure_mlp.report.chart import Line, chart
from pure_mlp.report.page import Section, figures, note, page
from pure_mlp.report.rows import rows_table

__all__ = ["compared", "compared_page"]

SAID = ("classes", "unit", "source", "table", "epochs")
"""What follows from the data, which are named themselves, and the epochs, which are counted."""

ENDING = ("last loss", "best loss", "last score", "best score", "watched", "epochs", "seconds", "params")


def compared(runs: Sequence[Recorded]) -> tuple[list[str], list[list[str]]]:
    """Header and rows, a row a run: its folder, what differs, and last and best loss and score of the part that it watched.

    >>> from pathlib import Path
    >>> from pure_mlp.cli.history import Row
    >>> from pure_mlp.cli.model import example
    >>> rows = Row(1, 0.5, 0.75, 60.0, 0.25), Row(2, 0.25, 0.875, 70.0, 0.5)
    >>> header, [cells] = compared([Recorded(Path("out"), example(), rows, "", "plan")])
    >>> dict(zip(header, cells))["best loss"], dict(zip(header, cells))["params"]
    ('0.75', '49')
    """
    names = [field.name for field in attrs.fields(Setup) if field.name not in SAID]
    differ = [name for name in names if len({_shown(getattr(run.setup, name)) for run in runs}) > 1]
    return ["run", *differ, *ENDING], [
        [str(run.place), *(_shown(getattr(run.setup, name)) for name in differ), *_ending(run)] for run in runs
    ]


def compared_page(runs: Sequence[Recorded]) -> str:
    """One HTML file: the table, and the curves of all runs in the same charts.

    >>> compared_page([]).splitlines()[5]
    '<title>0 runs compared</title>'
    """
    charts = [
        chart("training loss", [_line(run, "train_loss") for run in runs], "epoch", "mean over the epoch"),
        chart("loss of the watched part", [_line(run, "loss") for run in runs], "epoch", "after the epoch"),
    ]
    for kind in dict.fromkeys(score_label(run.setup) for run in runs):
        lines = [_line(run, "metric") if score_label(run.setup) == kind else Line("", ()) for run in runs]
        charts.append(chart("score of the watched part", lines, "epoch", kind, log=False))
    header, rows = compared(runs)
    first = len(header) - len(ENDING)
    parts = [rows_table(["run", *ENDING], [[row[0], *row[first:]] for row in rows])]
    if first > 1:
        parts.append(rows_table(header[:first], [row[:first] for row in rows]))
    if len({(run.setup.data, run.setup.loss, watched(run.setup)) for run in runs}) > 1:
        parts.append(note("The runs differ in data, loss or watched part: their losses are not of the same kind."))
    return page(f"{len(runs)} runs compared", [Section("", parts), Section("Curves", [figures(charts)])])


def _ending(run: Recorded) -> list[str]:
    """The cells of `ENDING`."""
    rows, regression = run.rows, run.setup.task == "regression"
    scores = [row.metric for row in rows]
    ends = scores[-1], min(scores) if regression else max(scores)
    losses = [f"{loss:.4g}" for loss in (rows[-1].loss, min(row.loss for row in rows))]
    told = [f"{score:.4g}" if regression else f"{100 * score:.2f} %" for score in ends]
    seconds, count = sum(row.seconds for row in rows), sum(leaf.numel() for leaf in tree_leaves(run.model.params))
    return [*losses, *told, watched(run.setup), str(len(rows)), f"{seconds:.3g}", f"{count:,}"]


def _line(run: Recorded, name: str) -> Line:
    scale = 100.0 if name == "metric" and run.setup.task != "regression" else 1.0
    return Line(str(run.place), [(row.epoch, scale * float(getattr(row, name))) for row in run.rows])


def _shown(value: object) -> str:
    """A value of a setup in a cell."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
