"""A run before its first epoch, from its setup and its data alone: what training begins with, and what a replay does."""

from __future__ import annotations

from torch import Generator

from pure_mlp.cli.checkpoint import Run, start
from pure_mlp.cli.model import Model, maps_of, net_of
from pure_mlp.cli.request import parts_of
from pure_mlp.cli.setup import Setup
from pure_mlp.cli.streamed import Examples, examples_of
from pure_mlp.data.dataset import Dataset
from pure_mlp.table.table import Table


def begin(setup: Setup, data: Dataset | Table) -> tuple[Model, dict[str, Examples], Run]:
    """The untrained model, the parts of the data as it takes them, and the run, all drawn by the seed of the setup.

    Raises `ValueError` for what cannot be.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.data.load import load
    >>> model, prepared, run = begin(example().setup, load("diabetes"))
    >>> [part.size for part in prepared.values()], run.rows
    ([354, 88], ())
    """
    generator = Generator().manual_seed(setup.seed)
    parts = parts_of(setup, data, generator)
    _, params = net_of(setup, generator)
    model = Model(setup, params, *maps_of(setup, parts["training"]))
    prepared = {name: examples_of(model, part) for name, part in parts.items()}
    return model, prepared, start(model, prepared, generator)
