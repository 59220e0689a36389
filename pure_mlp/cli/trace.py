"""`trace`: a run again from its seed, step by step, until a value is no longer finite."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

from torch import Tensor

from pure_mlp._compile.program import Engine
from pure_mlp.cli.checkpoint import Carry, over
from pure_mlp.cli.fitting import fit_model
from pure_mlp.cli.history import Row
from pure_mlp.cli.printing import say
from pure_mlp.cli.recorded import again, difference, recorded
from pure_mlp.cli.request import watched
from pure_mlp.cli.warned import warned_in_a_line
from pure_mlp.losses.mass import Mass
from pure_mlp.signatures import Batch
from pure_mlp.train.fold import Folding
from pure_mlp.train.nonfinite import first_nonfinite, nonfinite
from pure_mlp.train.step import TrainingStep


class NotFinite(Exception):
    """The run comes to a value that is not finite; the message says which."""


class Replay:
    """The step of a run, made by its engine once every value of it has been looked at."""

    def __init__(self, step: TrainingStep[Any, Any], engine: Engine) -> None:
        self.losses: list[float] = []
        self.mass: Callable[[Batch], Mass] = step.mass
        self._step = step
        self._engine: Engine = engine
        self._folding: Folding[Carry, Batch] | None = None

    def __call__(self, carry: Carry, batch: Batch) -> tuple[Carry, Tensor]:
        """The new carry and the loss. Raises `NotFinite`."""
        self._folding = self._folding or Folding(self._step, carry, self._engine)
        found = first_nonfinite(self._step, carry, batch)
        loss = self._folding.run(iter([batch]))[0]
        carry = self._folding.carry()
        self.losses.append(loss.item())
        if found := found or nonfinite(f"the carry by the engine {self._folding.engine}", carry):
            raise NotFinite(found)
        return carry, loss


def trace(options: Namespace) -> int:
    """Replay the run in a folder and the epoch that it did not come to; 1 if a value was not finite, or a loss another one.

    Raises `ValueError` for a folder without a run, and where its data are others now.

    >>> import attrs
    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.begin import begin
    >>> from pure_mlp.cli.checkpoint import save_run
    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.cli.parser import parser
    >>> from pure_mlp.data.load import load
    >>> setup = attrs.evolve(example().setup, optimizer="sgd", lr=1e4)
    >>> model, _, run = begin(setup, load("diabetes"))
    >>> with TemporaryDirectory() as folder:  # doctest: +ELLIPSIS
    ...     save_run(Path(folder), model, run)
    ...     trace(parser().parse_args(["trace", folder]))
    run        diabetes: 10-4-1, sgd with rate 10000, seed 0, engine pure; 0 epochs recorded
    loss       ... in the last steps
    not finite epoch 1, step ... of 12: the ... is not finite: ...
    1
    """
    before = recorded(Path(options.run))
    setup, rows, engine = before.setup, before.rows, before.engine
    if setup.table:
        raise ValueError(f"the run in {options.run} is of a table, which is streamed: only data that are held whole are replayed")
    model, parts, run = again(before, len(rows) + (not over(setup, rows)))
    widths = "-".join(map(str, setup.sizes))
    how = f"{setup.optimizer} with rate {setup.lr:g}, seed {setup.seed}, engine {engine}"
    say(f"run        {setup.data}: {widths}, {how}; {len(rows)} epochs recorded")

    steps, made, replays = ceil(parts["training"].size / setup.batch), list[Row](), list[Replay]()

    def watch(step: TrainingStep[Any, Any]) -> Replay:
        replays.append(Replay(step, engine))
        return replays[0]

    found = ""
    try:
        with warned_in_a_line("pure-mlp trace"):
            fit_model(model, parts, run, None, made, "pure", watch=watch)
    except NotFinite as error:
        found = str(error)
    other = difference(watched(setup), made, rows)
    if other:
        say(f"losses     {other}")
    elif shared := min(len(made), len(rows)):
        say(f"losses     those of {shared} recorded epochs, to the bit")
    if found:
        losses = replays[0].losses
        epoch, step = divmod(len(losses) - 1, steps)
        say(f"loss       {', '.join(f'{J:.4g}' for J in losses[-5:])} in the last steps")
        say(f"not finite epoch {epoch + 1}, step {step + 1} of {steps}: {found}")
    else:
        say(f"values     finite in all of {len(made)} epochs of {steps} steps")
    return int(bool(found or other))
