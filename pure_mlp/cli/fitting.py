"""Training a model, with its progress on stderr and the files of each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import attrs
from torch import Generator

from pure_mlp._compile.program import Engine
from pure_mlp.cli.checkpoint import Carry, Run, kept_row, over, save_run
from pure_mlp.cli.folder import epoch_file
from pure_mlp.cli.history import Row, write_csv, write_json
from pure_mlp.cli.interrupt import interrupt_noted
from pure_mlp.cli.model import Model
from pure_mlp.cli.params import save
from pure_mlp.cli.progress import progress
from pure_mlp.cli.request import watched
from pure_mlp.cli.rule import own_params, ruled
from pure_mlp.cli.scores import metric, scores
from pure_mlp.cli.streamed import Examples
from pure_mlp.distributed.mesh import Mesh
from pure_mlp.registry.functions import LOSSES, OPTIMIZERS
from pure_mlp.signatures import Batch, Step
from pure_mlp.train.fit import Epoch, fit
from pure_mlp.train.step import TrainingStep

Listener: TypeAlias = Callable[[Sequence[Row], Any], None]
"""listener(rows so far, what is trained), after each epoch; Any: as in `Carry`."""


def fit_model(
    model: Model,
    parts: Mapping[str, Examples],
    run: Run,
    folder: Path | None,
    rows: list[Row],
    engine: Engine | None = None,
    every: int | None = None,
    mesh: Mesh | None = None,
    watch: Callable[[TrainingStep[Any, Any]], Step[Carry, Batch]] = lambda step: step,
    listeners: Sequence[Listener] = (),
) -> tuple[Model, Run]:
    """The trained model and its run: the params are those of the last epoch, or with validation of the best.

    The run continues where it stopped, with the same bits as if it had not. Each epoch is added to `rows` and then, if there is a
    folder, written there; every `every` epochs the params get a file of their own, before the file that a run resumes from. Engine
    and mesh are those of `fit`; `watch` may wrap the step; `listeners` hear of each epoch before it is saved.

    Raises `KeyboardInterrupt` between batches, `ValueError` once a loss is not finite.

    >>> from pure_mlp.cli.checkpoint import start
    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.cli.prepared import prepare
    >>> from pure_mlp.data.load import load
    >>> rows, examples = list[Row](), prepare(example(), load("diabetes"))
    >>> run = start(example(), {}, Generator())
    >>> model, run = fit_model(example(), {"training": examples, "test": examples}, run, None, rows)
    >>> run.rows[-1].epoch, run.engine, len(rows)
    (1, 'plan', 1)
    """
    setup, name = model.setup, watched(model.setup)
    examples = parts["training"]
    generator = Generator().set_state(run.generator)
    ends = [perf_counter()]
    rows += run.rows
    if folder and rows:  # a run that was killed between its params and its rows
        write_csv(folder / "metrics.csv", name, metric(scores(model, parts[name]))[0], rows)

    def keep(epoch: Epoch[Carry]) -> bool:
        nonlocal run
        number = len(rows) + 1
        after = attrs.evolve(model, params=own_params(setup, epoch.carry[0]))
        seen = scores(after, parts[name])
        if not isfinite(epoch.loss) or not isfinite(seen.loss):
            if folder and not run.rows:  # what `trace` begins with
                save_run(folder, model, attrs.evolve(run, engine=epoch.engine))
            cure = f"try a smaller --lr than {setup.lr:g}" + (f"; pure-mlp trace {folder} says where it began" if folder else "")
            raise ValueError(f"the loss of epoch {number} is not finite: {cure}")
        measure, value = metric(seen)
        ends.append(perf_counter())
        rows.append(Row(number, epoch.loss, seen.loss, value, ends[-1] - ends[-2]))
        improved = kept_row(setup, tuple(rows)) is rows[-1]
        best = after.params if improved else run.best
        run = Run(tuple(rows), epoch.carry, best, generator.get_state(), run.data, epoch.engine, epoch.compile_seconds)
        for hear in listeners:
            hear(rows, epoch.carry[0])
        if folder:
            (folder / "curves.png").unlink(missing_ok=True)  # that of another run, or of fewer epochs
            if every and number % every == 0:
                save(epoch_file(folder, number), after)
            save_run(folder, model, run)
            write_csv(folder / "metrics.csv", name, measure, rows)
            if improved:
                write_json(folder / "metrics.json", setup, number, epoch.engine, epoch.compile_seconds, {name: seen})
        text = f"{value:.4g}" if measure == "rmse" else f"{100 * value:.2f} %"
        meter.finished(number, epoch.loss, f"{name} {measure} {text}")
        return over(setup, run.rows)

    before = len(rows) * examples.size
    with interrupt_noted() as raise_if_noted, progress(setup.epochs, examples.size, before) as meter:

        def observed(pieces: Iterable[Batch]) -> Iterator[Batch]:
            for piece in pieces:
                raise_if_noted()
                yield piece
                meter.batch(len(piece[0]))

        fit(
            watch(TrainingStep(ruled(setup), LOSSES[setup.loss], OPTIMIZERS[setup.optimizer](setup.lr))),
            run.carry,
            examples.feed(setup.batch, generator),
            epochs=0 if over(setup, run.rows) else setup.epochs - len(rows),
            batch=setup.batch,
            generator=generator,
            callbacks=(keep,),
            observe=observed,
            engine=engine,
            mesh=mesh,
        )
    return attrs.evolve(model, params=run.best), run
