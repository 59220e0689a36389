"""Training a model under the eyes of a person: progress, and the files of each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from time import perf_counter

import attrs
from torch import Generator

from pure_mlp._compile.program import Engine
from pure_mlp.cli.history import Row, write_csv, write_json
from pure_mlp.cli.interrupt import interrupt_noted
from pure_mlp.cli.model import Model, net_like, outputs
from pure_mlp.cli.params import save
from pure_mlp.cli.prepared import Prepared
from pure_mlp.cli.progress import progress
from pure_mlp.cli.request import watched
from pure_mlp.cli.scores import metric, scores
from pure_mlp.layers.linear import Linear
from pure_mlp.optim.optimizer import State
from pure_mlp.registry.functions import LOSSES, OPTIMIZERS
from pure_mlp.signatures import Batch
from pure_mlp.train.fit import Epoch, fit
from pure_mlp.train.step import training_step

Carry = tuple[tuple[Linear, ...], State[tuple[Linear, ...]]]


def fit_model(
    model: Model,
    parts: Mapping[str, Prepared],
    generator: Generator,
    folder: Path | None,
    rows: list[Row],
    engine: Engine | None = None,
) -> tuple[Model, Epoch[Carry]]:
    """The trained model and the epoch of its params: the last, or under early stopping the best. The engine is that of `fit`.

    Each epoch becomes one of `rows`, and then, if there is a folder, its params.*, metrics.csv and metrics.json. Raises
    `KeyboardInterrupt` between batches, `ValueError` once a loss is not finite.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.cli.prepared import prepare
    >>> from pure_mlp.data.load import load
    >>> rows, examples = list[Row](), prepare(example(), load("diabetes"))
    >>> model, epoch = fit_model(example(), {"training": examples, "test": examples}, Generator(), None, rows)
    >>> epoch.number, epoch.engine, len(rows)
    (1, 'plan', 1)
    """
    setup, name = model.setup, watched(model.setup)
    part, loss = parts[name], LOSSES[model.setup.loss]
    net = net_like(setup)
    optimizer = OPTIMIZERS[setup.optimizer](setup.lr)
    examples: Batch = (parts["training"].x, parts["training"].y)
    ends = [perf_counter()]

    def score(carry: Carry) -> float:
        return loss(part.y, outputs(attrs.evolve(model, params=carry[0]), part.x))[0].item()

    def keep(epoch: Epoch[Carry]) -> None:
        if not isfinite(epoch.loss) or not isfinite(epoch.score or 0.0):
            raise ValueError(f"the loss of epoch {epoch.number} is not finite: try a smaller --lr than {setup.lr:g}")
        after = attrs.evolve(model, params=epoch.carry[0])
        seen = scores(after, part)
        measure, value = metric(seen)
        ends.append(perf_counter())
        rows.append(Row(epoch.number, epoch.loss, seen.loss, value, ends[-1] - ends[-2]))
        if folder:
            (folder / "curves.png").unlink(missing_ok=True)  # that of another run, or of fewer epochs
            save(folder, after)
            write_csv(folder / "metrics.csv", name, measure, rows)
            write_json(folder / "metrics.json", setup, epoch, {name: seen})
        text = f"{value:.4g}" if measure == "rmse" else f"{100 * value:.2f} %"
        meter.finished(epoch.number, epoch.loss, f"{name} {measure} {text}")

    with interrupt_noted() as raise_if_noted, progress(setup.epochs, len(examples[0])) as meter:

        def observed(pieces: Iterable[Batch]) -> Iterator[Batch]:
            for piece in pieces:
                raise_if_noted()
                yield piece
                meter.batch(len(piece[0]))

        (params, _), history = fit(
            training_step(net, loss, optimizer),
            (model.params, optimizer.init(model.params)),
            examples,
            epochs=setup.epochs,
            batch=setup.batch,
            generator=generator,
            score=score,
            patience=setup.patience,
            callbacks=(keep,),
            observe=observed,
            engine=engine,
        )
    best = min(rows, key=lambda row: row.loss).epoch if setup.patience else len(history)
    return attrs.evolve(model, params=params), history[best - 1]
