"""From flags and data to a run: its setup, and the parts of the data."""

from __future__ import annotations

from argparse import Namespace
from typing import overload

import attrs
import torch
from torch import Generator

from pure_mlp.cli.setup import DEFAULT_LOSS, Setup, refuse_nonsense, refuse_rule
from pure_mlp.cli.tables import table_of, table_parts
from pure_mlp.data.dataset import Dataset
from pure_mlp.data.load import load
from pure_mlp.data.split import split
from pure_mlp.registry.functions import RATES
from pure_mlp.table.survey import is_table
from pure_mlp.table.table import Table

VALIDATION = 0.1
"""The fraction of the training part that early stopping watches where --val says no other."""


def data_of(options: Namespace) -> Dataset | Table:
    """What the flags of `train` name. Raises `ValueError` as `load` and `table_of`, and for flags of a table without one.

    >>> from pure_mlp.cli.parser import parser
    >>> data_of(parser().parse_args(["train", "diabetes"])).width
    10
    """
    if is_table(options.data):
        return table_of(options, validation(options))
    for flag in ("target", "drop", "text", "embed", "impute"):
        if getattr(options, flag):
            raise ValueError(f"--{flag} is of a .csv or .parquet file, found {options.data}")
    return load(options.data, options.task)


def validation(options: Namespace) -> float | str | None:
    """What to validate on: a fraction, other data, or nothing.

    >>> from pure_mlp.cli.parser import parser
    >>> validation(parser().parse_args(["train", "--patience", "3"]))
    0.1
    """
    return VALIDATION if options.val is None and options.patience else options.val


def setup_of(options: Namespace, data: Dataset | Table) -> Setup:
    """The run that the flags ask for on this data. Raises `ValueError` where loss, g, rule and task do not fit.

    >>> from pure_mlp.cli.parser import parser
    >>> from pure_mlp.data.load import load
    >>> setup_of(parser().parse_args(["train"]), load("diabetes")).loss
    'mse'
    """
    loss = options.loss or DEFAULT_LOSS[data.task]
    refuse_nonsense(data.task, loss, options.g)
    sizes = (data.width, *options.hidden, len(data.classes) if data.task == "classes" else 1)
    refuse_rule(options.rule, sizes, options.g)
    return Setup(
        data=data.name,
        source=data.name if isinstance(data, Table) else data.source,
        task=data.task,
        classes=data.classes,
        unit="" if isinstance(data, Table) else data.unit,
        sizes=sizes,
        f=options.f,
        g=options.g,
        loss=loss,
        optimizer=options.optimizer,
        lr=RATES[options.optimizer] if options.lr is None else options.lr,
        batch=options.batch,
        epochs=options.epochs,
        seed=options.seed,
        patience=options.patience,
        test_fraction=options.test_fraction if isinstance(data, Table) or data.test is None else None,
        val=validation(options),
        rule=options.rule,
        table=data.schema if isinstance(data, Table) else None,
    )


def held_out(setup: Setup, data: Dataset, generator: Generator) -> tuple[Dataset, Dataset]:
    """The training part and the test part: the source's own, or else one that is drawn. Raises `ValueError` for an empty part.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.data.load import load
    >>> [len(part.x) for part in held_out(example().setup, load("diabetes"), Generator())]
    [354, 88]
    """
    training, test = (data, data.test) if setup.test_fraction is None else split(data, setup.test_fraction, generator)
    if test is None:
        raise ValueError(f"{setup.data}: no test part in the source")
    return training, test


@overload
def parts_of(setup: Setup, data: Dataset, generator: Generator) -> dict[str, Dataset]: ...
@overload
def parts_of(setup: Setup, data: Table, generator: Generator) -> dict[str, Table]: ...
def parts_of(setup: Setup, data: Dataset | Table, generator: Generator) -> dict[str, Dataset] | dict[str, Table]:
    """The parts "training", then "validation" if one is asked for, and "test", in the order in which they are drawn.

    Raises `ValueError` for a part without examples, and for a file whose labels are of another task or other classes.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.data.load import load
    >>> {name: len(part.x) for name, part in parts_of(example().setup, load("diabetes"), Generator()).items()}
    {'training': 354, 'test': 88}
    """
    if isinstance(data, Table):
        return table_parts(setup, data)
    training, test = held_out(setup, data, generator)
    if setup.val is None:
        return {"training": training, "test": test}
    if isinstance(setup.val, str):
        seen = relabel(setup, load(setup.val, setup.task, setup.classes))
    else:
        training, seen = split(training, setup.val, generator)
    return {"training": training, "validation": seen, "test": test}


def relabel(setup: Setup, data: Dataset) -> Dataset:
    """The data with its labels as the model counts them, classes matched by name. Raises `ValueError` where they do not match.

    >>> from pure_mlp.cli.model import example
    >>> relabel(example().setup, load("digits"))
    Traceback (most recent call last):
    ValueError: digits has classes labels, the model was trained for regression
    """
    if (setup.task == "regression") != (data.task == "regression"):
        raise ValueError(f"{data.name} has {data.task} labels, the model was trained for {setup.task}")
    if setup.task == "regression":
        return data
    unknown = [name for name in data.classes if name not in setup.classes]
    if unknown:
        raise ValueError(f"{data.name} has the class {unknown[0]!r}, the model knows {', '.join(setup.classes)}")
    index = torch.tensor([setup.classes.index(name) for name in data.classes])
    y = index[data.y.reshape(-1).to(torch.int64)]
    y = y if setup.task == "classes" else y.to(torch.float32).unsqueeze(1)
    test = None if data.test is None else relabel(setup, data.test)
    return attrs.evolve(data, task=setup.task, classes=setup.classes, y=y, test=test)


def watched(setup: Setup) -> str:
    """The part whose loss is followed over the epochs: validation if there is one, else test.

    >>> from pure_mlp.cli.model import example
    >>> watched(example().setup)
    'test'
    """
    return "test" if setup.val is None else "validation"
