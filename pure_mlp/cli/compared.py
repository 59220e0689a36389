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

SAID = ("classes", "unit", "source", "table")
"""What follows from the data, which are named themselves."""


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
    header = ["run", *differ, "params", "epochs", "seconds", "watched", "last loss", "best loss", "last score", "best score"]
    return header, [[str(run.place), *(_shown(getattr(run.setup, name)) for name in differ), *_ending(run)] for run in runs]


def compared_page(runs: Sequence[Recorded]) -> str:
    """One HTML file: the table, and the curves of all runs in the same charts.

    >>> compared_page([]).splitlines()[6]
    '<title>0 runs compared</title>'
    """
    kinds = list(dict.fromkeys(score_label(run.setup) for run in runs))
    charts = [
        chart("training loss", [_line(run, "train_loss") for run in runs], "epoch", "mean over the epoch"),
        chart("loss of the watched part", [_line(run, "loss") for run in runs], "epoch", "after the epoch"),
        *(
            chart("score", [_line(run, "metric") for run in runs if score_label(run.setup) == kind], "epoch", kind, log=False)
            for kind in kinds
        ),
    ]
    same = len({(run.setup.data, run.setup.loss, watched(run.setup)) for run in runs}) < 2
    said = "" if same else "The runs differ in data, loss or watched part: their losses are not of the same kind."
    sections = [Section("", [rows_table(*compared(runs)), *([note(said)] if said else [])]), Section("Curves", [figures(charts)])]
    return page(f"{len(runs)} runs compared", sections)


def _ending(run: Recorded) -> list[str]:
    count = sum(leaf.numel() for leaf in tree_leaves(run.model.params))
    regression, last = run.setup.task == "regression", run.rows[-1]
    best = min(row.loss for row in run.rows)
    scores = [row.metric for row in run.rows]
    ends = (last.metric, min(scores) if regression else max(scores))
    seconds = sum(row.seconds for row in run.rows)
    told = [f"{score:.4g}" if regression else f"{100 * score:.2f} %" for score in ends]
    return [f"{count:,}", str(len(run.rows)), f"{seconds:.3g}", watched(run.setup), f"{last.loss:.4g}", f"{best:.4g}", *told]


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
