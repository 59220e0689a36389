"""From flags and data to a run: its setup, and the parts of the data."""

from __future__ import annotations

from argparse import Namespace

from torch import Generator

from pure_mlp.cli.setup import DEFAULT_LOSS, Setup, refuse_nonsense
from pure_mlp.data.dataset import Dataset
from pure_mlp.data.split import split
from pure_mlp.registry.functions import RATES

VALIDATION = 0.1
"""The fraction of the training part that early stopping watches."""


def setup_of(options: Namespace, data: Dataset) -> Setup:
    """The run that the flags ask for on this data. Raises `ValueError` where loss, g and task do not fit.

    >>> from pure_mlp.cli.parser import parser
    >>> from pure_mlp.data.load import load
    >>> setup_of(parser().parse_args(["train"]), load("diabetes")).loss
    'mse'
    """
    loss = options.loss or DEFAULT_LOSS[data.task]
    refuse_nonsense(data.task, loss, options.g)
    return Setup(
        data=data.name,
        source=data.source,
        task=data.task,
        classes=data.classes,
        unit=data.unit,
        sizes=(data.x.shape[1], *options.hidden, len(data.classes) if data.task == "classes" else 1),
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
    )


def parts_of(setup: Setup, data: Dataset, generator: Generator) -> dict[str, Dataset]:
    """The parts "training", then "validation" under early stopping, and "test": the source's own, or else the first that is drawn.

    Raises `ValueError` for a part without examples.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.data.load import load
    >>> {name: len(part.x) for name, part in parts_of(example().setup, load("diabetes"), Generator()).items()}
    {'training': 354, 'test': 88}
    """
    training, test = (data, data.test) if setup.test_fraction is None else split(data, setup.test_fraction, generator)
    if test is None:
        raise ValueError(f"{setup.data}: no test part in the source")
    if setup.patience is None:
        return {"training": training, "test": test}
    training, validation = split(training, VALIDATION, generator)
    return {"training": training, "validation": validation, "test": test}


def watched(setup: Setup) -> str:
    """The part whose loss is followed over the epochs: a validation part if it decides when to stop, else the test part.

    >>> from pure_mlp.cli.model import example
    >>> watched(example().setup)
    'test'
    """
    return "test" if setup.patience is None else "validation"
