"""What is trained, on what and how: everything that the flags and the data decide, and which of it makes sense."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from pure_mlp.data.dataset import Task
from pure_mlp.registry.functions import ACTIVATIONS, LOSSES

FITTING: dict[Task, dict[str, tuple[str, ...]]] = {
    "classes": {
        "cross_entropy": ("identity",),
        "bce_with_logits": ("identity",),
        "bce": ("sigmoid", "softmax"),
        "mse": tuple(ACTIVATIONS),
        "squared_norm": tuple(ACTIVATIONS),
    },
    "binary": {
        "bce_with_logits": ("identity",),
        "bce": ("sigmoid",),
        "mse": tuple(ACTIVATIONS.keys() - {"softmax"}),
        "squared_norm": tuple(ACTIVATIONS.keys() - {"softmax"}),
    },
    "regression": {
        "mse": tuple(ACTIVATIONS.keys() - {"softmax"}),
        "squared_norm": tuple(ACTIVATIONS.keys() - {"softmax"}),
    },
}
"""The losses of each task, and the g that each of them can stand on."""

DEFAULT_LOSS: dict[Task, str] = {"classes": "cross_entropy", "binary": "bce_with_logits", "regression": "mse"}
"""The loss where --loss is not given."""


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


def _widths(widths: Iterable[int]) -> tuple[int, ...]:
    return tuple(widths)


@attrs.frozen
class Setup:
    """One training run, in values that JSON can hold.

    data, source, task, classes and unit are those of the `Dataset`; sizes are the widths from input to output; f, g, loss and
    optimizer are words of the tables in `functions`; patience and test_fraction may be None: no early stopping, and the source's
    own test part.
    """

    data: str
    source: str
    task: Task
    classes: tuple[str, ...] = attrs.field(converter=_names)
    unit: str
    sizes: tuple[int, ...] = attrs.field(converter=_widths)
    f: str
    g: str
    loss: str
    optimizer: str
    lr: float
    batch: int
    epochs: int
    seed: int
    patience: int | None
    test_fraction: float | None


def refuse_nonsense(task: Task, loss: str, g: str) -> None:
    """Raises `ValueError` that says what fits, unless the loss suits the task and stands on g.

    >>> refuse_nonsense("classes", "cross_entropy", "softmax")
    Traceback (most recent call last):
    ValueError: loss cross_entropy takes g identity (it computes from logits); for g softmax there are bce, mse, squared_norm
    """
    losses = FITTING[task]
    if loss not in losses:
        raise ValueError(f"loss {loss} does not fit {task} data; {', '.join(losses)} do")
    if g not in losses[loss]:
        others = ", ".join(other for other, gs in losses.items() if g in gs)
        if not others:
            raise ValueError(f"g {g} does not fit {task} data; {', '.join(sorted(losses[loss]))} do with loss {loss}")
        logits = " (it computes from logits)" if losses[loss] == ("identity",) else ""
        raise ValueError(f"loss {loss} takes g {' or '.join(sorted(losses[loss]))}{logits}; for g {g} there are {others}")


def known(setup: Setup) -> bool:
    """Whether f, g, loss and task are words of this version's tables, as in a file written by it.

    >>> from pure_mlp.cli.model import example
    >>> known(example().setup), known(attrs.evolve(example().setup, f="cube"))
    (True, False)
    """
    return setup.f in ACTIVATIONS and setup.g in ACTIVATIONS and setup.loss in LOSSES and setup.task in FITTING
