"""What is printed about data, net and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pure_mlp._compile.program import Engine
from pure_mlp.cli.anatomy import Part
from pure_mlp.cli.model import tables_of
from pure_mlp.cli.printing import say
from pure_mlp.cli.report import table
from pure_mlp.cli.scores import Scores
from pure_mlp.cli.setup import Setup
from pure_mlp.data.dataset import Dataset
from pure_mlp.table.table import Table

MOST_CLASSES = 20
"""Confusion tables of more classes than these are left to metrics.json."""


def print_data(setup: Setup, parts: Mapping[str, Dataset | Table]) -> None:
    """Which data, from where, how they are split, what is to be learnt, and what that was guessed from.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.data.load import load
    >>> print_data(example().setup, {"training": load("diabetes")})  # doctest: +ELLIPSIS
    data       diabetes: 10 features -> one value [points of disease progression]; 442 training examples (...
    training   loss mse, adam with rate 0.001, batch 32, 1 epochs, seed 0
    """
    goal = f"one of {len(setup.classes)} classes"
    if setup.task == "regression":
        goal = f"one value [{setup.unit}]" if setup.unit else "one value"
    by = "by the seed" if setup.table is None else "for each row by its values and the seed"
    drawn = f"test fraction {setup.test_fraction}, drawn {by}" if setup.test_fraction else "the source's own test part"
    sizes = ", ".join(f"{data.size} {name}" for name, data in parts.items())
    say(f"data       {setup.data}: {setup.sizes[0]} features -> {goal}; {sizes} examples ({drawn})")
    say(f"source     {setup.source}" if setup.table is None else f"columns    {setup.table}")
    if guessed := parts["training"].guessed:
        print(f"task       {setup.task}, guessed from {guessed}; --task says it")
    print("inputs     standardised by mean and standard deviation of the training part")
    stop = f", stops after {setup.patience} without a better validation loss" if setup.patience else ""
    print(
        f"training   loss {setup.loss}, {setup.optimizer} with rate {setup.lr:g}, batch {setup.batch}, {setup.epochs} epochs{stop},"
        f" seed {setup.seed}{'' if setup.rule == 'backprop' else f', rule {setup.rule}'}"
    )


def print_net(setup: Setup, parts: Sequence[Part]) -> None:
    """The table of layers for one batch.

    >>> from pure_mlp.cli.model import example
    >>> print_net(example().setup, [Part((1, 10), (1, 4), 44, 56)])  # doctest: +ELLIPSIS
    <BLANKLINE>
    layers
    ...
    0  linear, identity  (1, 10) -> (1, 4)          44                       56
       total                                        44                       56
    """
    below = ["embeddings"] * bool(tables_of(setup))
    names = [*below, *[f"linear, {setup.f}"] * (len(parts) - len(below) - 1), f"linear, {setup.g}"]
    rows = [
        (str(i), name, f"{part.input} -> {part.output}", f"{part.parameters:,}", f"{part.kept:,}")
        for i, (name, part) in enumerate(zip(names, parts))
    ]
    total = ("", "total", "", f"{sum(p.parameters for p in parts):,}", f"{sum(p.kept for p in parts):,}")
    table("layers", ("", "layer", "input -> output", "parameters", "bytes kept for backward"), rows, total)


def print_engine(engine: Engine, compile_seconds: float) -> None:
    """What ran the steps, and how long it took to compile; nothing if it was found on disk.

    >>> print_engine("plan", 0.0)
    engine     plan
    >>> print_engine("native", 0.43)
    engine     native (compiled in 0.4 s)
    """
    print(f"engine     {engine}" + (f" (compiled in {compile_seconds:.1f} s)" if compile_seconds else ""))


def print_scores(setup: Setup, scored: Mapping[str, Scores]) -> None:
    """A line a part, and the confusion of the last part.

    >>> from pure_mlp.cli.model import example
    >>> print_scores(example().setup, {"test": Scores(88, 0.5, None, None, 55.0, 0.5)})
    <BLANKLINE>
    scores
    part  examples  loss (mse)  RMSE [points of disease progression]     R^2
    ----  --------  ----------  ------------------------------------  ------
    test        88         0.5                                    55  0.5000
    """
    table("scores", *score_rows(setup, scored))
    part, last = [*scored.items()][-1]
    if last.confusion is not None and len(setup.classes) <= MOST_CLASSES:
        counts = [(name, *(str(n) if n else "." for n in row)) for name, row in zip(setup.classes, last.confusion)]
        table(f"confusion, {part} part (rows: true class, columns: predicted)", ("", *setup.classes), counts)


def score_rows(setup: Setup, scored: Mapping[str, Scores]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the scores, a row a part.

    >>> from pure_mlp.cli.model import example
    >>> score_rows(example().setup, {"test": Scores(88, 0.5, None, None, 55.0, 0.5)})[1]
    [['test', '88', '0.5', '55', '0.5000']]
    """
    header = ["part", "examples", f"loss ({setup.loss})"]
    rows = [[part, str(s.examples), f"{s.loss:.4g}"] for part, s in scored.items()]
    if setup.task == "regression":
        unit = f" [{setup.unit}]" if setup.unit else ""
        errors = [[f"{s.rmse or 0.0:.4g}", "-" if s.r2 is None else f"{s.r2:.4f}"] for s in scored.values()]
        return [*header, f"RMSE{unit}", "R^2"], [row + more for row, more in zip(rows, errors)]
    return [*header, "accuracy"], [[*row, f"{100 * (s.accuracy or 0.0):.2f} %"] for row, s in zip(rows, scored.values())]
