"""An unfinished run: what it needs to go on as if it had never stopped, in the file of its params."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs
from torch import Generator, Tensor

from pure_mlp._compile.program import Engine
from pure_mlp.cli.history import Row
from pure_mlp.cli.model import Model, Params
from pure_mlp.cli.params import NAME, read, save
from pure_mlp.cli.rule import begun
from pure_mlp.cli.setup import Setup
from pure_mlp.cli.streamed import Examples
from pure_mlp.optim.optimizer import State
from pure_mlp.record import tree_items
from pure_mlp.registry.functions import OPTIMIZERS
from pure_mlp.saving.packing import fingerprint
from pure_mlp.saving.store import restored

Carry: TypeAlias = tuple[Any, State[Any]]  # params, or for Kolen-Pollack their pair with the feedback


@attrs.frozen(eq=False)
class Run:
    """The state of a run after the epochs of `rows`.

    carry: params and optimizer state. best: the params that are kept, see `kept_row`. generator: its state. data: a fingerprint of
    all examples. engine, compile_seconds: as in `Epoch`.
    """

    rows: tuple[Row, ...]
    carry: Carry
    best: Params
    generator: Tensor
    data: str
    engine: Engine
    compile_seconds: float


def start(model: Model, parts: Mapping[str, Examples], generator: Generator) -> Run:
    """A run before its first epoch.

    >>> from pure_mlp.cli.model import example
    >>> start(example(), {}, Generator()).rows
    ()
    """
    trained = begun(model.setup, model.params)
    carry = trained, OPTIMIZERS[model.setup.optimizer](model.setup.lr).init(trained)
    data = fingerprint({f"{name}.{i}": t for name, part in parts.items() for i, t in enumerate(part.identity())})
    return Run((), carry, model.params, generator.get_state(), data, "pure", 0.0)


def kept_row(setup: Setup, rows: tuple[Row, ...]) -> Row:
    """The epoch whose params are kept: with validation the first with the least loss, else the last.

    >>> from pure_mlp.cli.model import example
    >>> kept_row(example().setup, (Row(1, 0.5, 0.5, 0.5, 1.0), Row(2, 0.5, 0.75, 0.5, 1.0))).epoch
    2
    """
    return rows[-1] if setup.val is None else min(rows, key=lambda row: row.loss)


def over(setup: Setup, rows: tuple[Row, ...]) -> bool:
    """Whether training is over: all epochs are done, or early stopping has run out of patience.

    >>> from pure_mlp.cli.model import example
    >>> over(example().setup, ()), over(example().setup, (Row(1, 0.5, 0.5, 0.5, 1.0),))
    (False, True)
    """
    waited = rows[-1].epoch - kept_row(setup, rows).epoch if rows else 0
    return len(rows) >= setup.epochs or (setup.patience is not None and waited >= setup.patience)


def save_run(folder: Path, model: Model, run: Run) -> None:
    """Write the model with the params that are kept, and beside it the run, as one file.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> with TemporaryDirectory() as folder:
    ...     save_run(Path(folder), example(), start(example(), {}, Generator()))
    ...     [path.name for path in Path(folder).iterdir()]
    ['params.safetensors']
    """
    tensors = {**dict(tree_items(run.carry, "training.carry")), "training.generator": run.generator}
    rows = [attrs.astuple(row) for row in run.rows]
    training = {"rows": rows, "data": run.data, "engine": run.engine, "compile_seconds": run.compile_seconds}
    save(folder / NAME, attrs.evolve(model, params=run.best), tensors, training)


def resume(folder: Path, fresh: Run, model: Model) -> Run:
    """The run in the folder. It must have the setup and the data of this run; the number of epochs may differ.

    Raises `ValueError` where it is of another, and as `load_model`.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> run = start(example(), {}, Generator())
    >>> with TemporaryDirectory() as folder:
    ...     save_run(Path(folder), example(), run)
    ...     resume(Path(folder), run, example()).rows
    ()
    """

    def made(saved: Model, tensors: Mapping[str, Tensor], training: Any) -> tuple[Setup, Run]:  # Any is what JSON holds
        if any(getattr(saved.setup, name) != getattr(model.setup, name) for name in ("sizes", "optimizer", "rule", "table")):
            return saved.setup, fresh  # the shapes to expect are not known; the check below names what differs
        rows = tuple(Row(*row) for row in training["rows"])
        state = tensors["training.generator"]
        Generator().set_state(state)
        carry = restored(fresh.carry, tensors, "training.carry")
        return saved.setup, Run(rows, carry, saved.params, state, training["data"], training["engine"], training["compile_seconds"])

    setup, run = read(folder, made)
    for field in attrs.fields(Setup):
        before, now = getattr(setup, field.name), getattr(model.setup, field.name)
        if before != now and field.name != "epochs":
            raise ValueError(f"--resume: the run in {folder} has {field.name} {before}, this one {now}; say the same flags again")
    if run.data != fresh.data:
        raise ValueError(f"--resume: the examples of {setup.data} are others than those of the run in {folder}")
    return run
