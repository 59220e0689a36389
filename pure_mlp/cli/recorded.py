"""A run that was kept, and how it begins again from its seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from torch import Tensor

from pure_mlp._compile.program import Engine
from pure_mlp.cli.begin import begin
from pure_mlp.cli.checkpoint import Run
from pure_mlp.cli.history import Row
from pure_mlp.cli.model import Model
from pure_mlp.cli.params import read
from pure_mlp.cli.request import relabel
from pure_mlp.cli.setup import Setup
from pure_mlp.cli.streamed import Examples
from pure_mlp.cli.tables import same_table
from pure_mlp.data.load import load

__all__ = ["Recorded", "again", "difference", "recorded"]


@attrs.frozen(eq=False)
class Recorded:
    """A run by its file: where it is, the model that was kept, its epochs, a fingerprint of its data, what ran its steps."""

    place: Path
    model: Model
    rows: tuple[Row, ...]
    data: str
    engine: Engine

    @property
    def setup(self) -> Setup:
        """What was trained, on what and how."""
        return self.model.setup


def recorded(place: Path) -> Recorded:
    """The run in a folder of `train --out`. Raises `ValueError` for another folder and a damaged or newer file, with its name.

    >>> recorded(Path("no such.safetensors"))
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no such.safetensors'
    """

    def made(model: Model, tensors: Mapping[str, Tensor], training: Any) -> Recorded | None:  # Any: JSON
        if training is None:
            return None
        return Recorded(place, model, tuple(Row(*row) for row in training["rows"]), training["data"], training["engine"])

    found = read(place, made)
    if found is None:
        raise ValueError(f"{place} holds params without the run that made them: name the folder that train --out wrote")
    return found


def again(run: Recorded, epochs: int) -> tuple[Model, dict[str, Examples], Run]:
    """The run before its first epoch, for so many epochs. Raises `ValueError` where its data are others now.

    >>> from pure_mlp.cli.model import example
    >>> again(Recorded(Path("out"), example(), (), "", "pure"), 1)
    Traceback (most recent call last):
    ValueError: the examples of diabetes are others than those of the run in out
    """
    setup = run.setup
    data = same_table(setup) if setup.table else relabel(setup, load(setup.data, setup.task, setup.classes))
    model, parts, fresh = begin(attrs.evolve(setup, epochs=epochs), data)
    if fresh.data != run.data:
        raise ValueError(f"the examples of {setup.data} are others than those of the run in {run.place}")
    return model, parts, fresh


def difference(part: str, made: Sequence[Row], rows: Sequence[Row]) -> str:
    """Where the losses of the replay part from the recorded ones, and what may be why; empty if they do not.

    >>> row = Row(1, 0.5, 0.75, 1.0, 0.25)
    >>> difference("test", [row], [row])
    ''
    """
    for now, before in zip(made, rows):
        if (now.train_loss, now.loss) != (before.train_loss, before.loss):
            losses = f"training {now.train_loss!r}, {part} {now.loss!r}; recorded are {before.train_loss!r} and {before.loss!r}"
            why = "another torch, processor, number of threads or --engine than then rounds in another way"
            return f"differ from epoch {now.epoch} on: {losses} ({why})"
    return ""
