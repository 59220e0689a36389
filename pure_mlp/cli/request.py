"""From flags and data to a run: its setup, and the parts of the data."""

from __future__ import annotations

from argparse import Namespace

import attrs
import torch
from torch import Generator

from pure_mlp.cli.setup import DEFAULT_LOSS, Setup, refuse_nonsense, refuse_rule
from pure_mlp.data.dataset import Dataset
from pure_mlp.data.load import load
from pure_mlp.data.split import split
from pure_mlp.registry.functions import RATES

VALIDATION = 0.1
"""The fraction of the training part that early stopping watches where --val says no other."""


def setup_of(options: Namespace, data: Dataset) -> Setup:
    """The run that the flags ask for on this data. Raises `ValueError` where loss, g, rule and task do not fit.

    >>> from pure_mlp.cli.parser import parser
    >>> from pure_mlp.data.load import load
    >>> setup_of(parser().parse_args(["train"]), load("diabetes")).loss
    'mse'
    """
    loss = options.loss or DEFAULT_LOSS[data.task]
    refuse_nonsense(data.task, loss, options.g)
    sizes = (data.x.shape[1], *options.hidden, len(data.classes) if data.task == "classes" else 1)
    refuse_rule(options.rule, sizes, options.g)
    return Setup(
        data=data.name,
        source=data.source,
        task=data.task,
        classes=data.classes,
        unit=data.unit,
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
        test_fraction=None if data.test is not None else options.test_fraction,
        val=VALIDATION if options.val is None and options.patience else options.val,
        rule=options.rule,
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


def parts_of(setup: Setup, data: Dataset, generator: Generator) -> dict[str, Dataset]:
    """The parts "training", then "validation" if one is asked for, and "test", in the order in which they are drawn.

    Raises `ValueError` for a part without examples, and for a file whose labels are of another task or other classes.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.data.load import load
    >>> {name: len(part.x) for name, part in parts_of(example().setup, load("diabetes"), Generator()).items()}
    {'training': 354, 'test': 88}
    """
    training, test = held_out(setup, data, generator)
    if setup.val is None:
        return {"training": training, "test": test}
    if isinstance(setup.val, str):
        validation = relabel(setup, load(setup.val, setup.task, setup.classes))
    else:
        training, validation = split(training, setup.val, generator)
    return {"training": training, "validation": validation, "test": test}


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
