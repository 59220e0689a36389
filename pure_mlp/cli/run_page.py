"""The page of a run: what its record says, and what is measured while it runs again from its seed."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.cli.fitting import fit_model
from pure_mlp.cli.history import Row
from pure_mlp.cli.image_shape import image_shape
from pure_mlp.cli.model import Model, answers, outputs, tables_of
from pure_mlp.cli.prepared import Prepared, inputs
from pure_mlp.cli.recorded import Recorded, again, difference
from pure_mlp.cli.replay_sections import gradients_section, images_section, spectra_section, surface_section
from pure_mlp.cli.request import watched
from pure_mlp.cli.run_sections import curves_section, scores_section, setup_section
from pure_mlp.cli.scores import scores
from pure_mlp.cli.setup import Setup
from pure_mlp.cli.streamed import Examples
from pure_mlp.cli.warned import warned_in_a_line
from pure_mlp.cli.watching import Watching
from pure_mlp.report.page import page
from pure_mlp.report.surface import Plane, plane_of
from pure_mlp.report.ticks import short

__all__ = ["run_page"]

BATCH = 256
"""So many examples at most are the batch on which gradients are taken."""
TOLD = 300
"""So many predictions at most are drawn."""


def run_page(run: Recorded) -> str:
    """One HTML file. Raises `ValueError` for a run without epochs, and as `again`.

    >>> from pathlib import Path
    >>> from pure_mlp.cli.model import example
    >>> run_page(Recorded(Path("out"), example(), (), "", "pure"))
    Traceback (most recent call last):
    ValueError: the run in out has no epoch yet
    """
    setup, epochs = run.setup, len(run.rows)
    if not epochs:
        raise ValueError(f"the run in {run.place} has no epoch yet")
    model, parts, start = again(run, epochs)
    few = next(iter(parts["training"].pieces()))
    batch = few.x[:BATCH], few.y[:BATCH]
    plane = _plane(setup, few) if setup.sizes[0] == 2 and not tables_of(setup) else None
    points = inputs(model, setup.data, plane.points()) if plane else None
    watching = Watching(model, *batch, epochs, points)
    watching.see(0, start.carry[0])
    made = list[Row]()
    with warned_in_a_line("pure-mlp report"):
        fit_model(model, parts, start, None, made, run.engine, listeners=[watching])
    scored = {name: scores(run.model, part) for name, part in parts.items()}

    other = difference(watched(setup), made, run.rows)
    said = f"Its losses {other}." if other else "Its losses are those of the record, to the bit."
    sections = [
        setup_section(run, {name: part.size for name, part in parts.items()}),
        curves_section(run),
        scores_section(setup, scored, _told(run.model, parts["test"])),
        gradients_section(setup, watching.moments, len(batch[0]), said),
        spectra_section(setup, model.params, watching.params, batch, epochs),
    ]
    if shape := image_shape(setup):
        sections.append(images_section(model.params[0].weight, watching.params[0].weight, shape, epochs))
    if plane:
        frames = [(epoch, _shares(setup, few, answer)) for epoch, answer in watching.frames]
        ends = [short(end.item()) for end in (few.data.y.amin(), few.data.y.amax())]
        sections.append(surface_section(setup.classes or ends, plane, frames))
    return page(f"{setup.data}: the run in {run.place}", sections)


def _told(model: Model, part: Examples) -> list[tuple[float, float]]:
    """(label, prediction) of the first examples of a part; of a regression."""
    if model.targets is None:
        return []
    few = next(iter(part.pieces()))
    said = answers(model, outputs(model, few.x[:TOLD]))
    return [(label, value) for (label,), (value,) in zip(few.data.y[:TOLD].tolist(), said.tolist())]


def _plane(setup: Setup, few: Prepared) -> Plane:
    """The plane of the two inputs in their own units."""
    names = [column.name for column in setup.table.columns] if setup.table else []
    across, up = names if len(names) == 2 else ("input 0", "input 1")
    y = few.data.y
    labels = torch.eye(len(setup.classes))[y.flatten().long()] if setup.classes else _shares(setup, few, y)
    return plane_of(few.data.x, labels, (across, up))


def _shares(setup: Setup, few: Prepared, answer: Tensor) -> Tensor:
    """Scores (n, classes) of answers; of a regression where a value lies between the least and the largest label, twice."""
    if setup.classes:
        return answer
    low, high = few.data.y.amin(), few.data.y.amax()
    share = ((answer - low) / (high - low).clamp(min=torch.finfo(low.dtype).tiny)).clamp(0, 1)
    return torch.cat((1 - share, share), 1)
