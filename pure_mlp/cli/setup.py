"""What is trained, on what and how: everything that the flags and the data decide, and which of it makes sense."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

import attrs

from pure_mlp.data.dataset import Task
from pure_mlp.registry.functions import ACTIVATIONS, ELEMENTWISE, LOSSES, OPTIMIZERS
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.table.schema import Schema, schema_from, width


def _fitting(task: Task) -> dict[str, tuple[str, ...]]:
    several = task == "classes"  # one output has nothing to share with others
    ranges = {g: (of().low, of().high) for g, row in LAYER_ROWS.items() if (of := row.equation)}
    any_g = tuple(ACTIVATIONS) if several else ELEMENTWISE
    gs = {"numbers": any_g, "probabilities": tuple(g for g in any_g if ranges.get(g) == (0, 1)), "logits": ("identity",)}
    return {name: gs[row.takes] for name, row in LOSS_ROWS.items() if task in row.tasks}


FITTING: dict[Task, dict[str, tuple[str, ...]]] = {task: _fitting(task) for task in get_args(Task)}
"""The losses of each task, and the g that each of them can stand on."""

DEFAULT_LOSS: dict[Task, str] = {"classes": "cross_entropy", "binary": "bce_with_logits", "regression": "mse"}
"""The loss where --loss is not given."""

RULES = ("backprop", "fa", "dfa", "sign", "kp", "straight")
"""What computes dx: backpropagation, (direct) feedback alignment, sign-symmetric feedback, Kolen-Pollack, straight through."""

EXPLAINING = {"guided": "guided_backpropagation", "lrp": "relevance_propagation"}
"""Rules that explain and do not train, by the words that a person may try, and the functions that they are."""


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


def _widths(widths: Iterable[int]) -> tuple[int, ...]:
    return tuple(widths)


_text = attrs.validators.instance_of(str)
_count = attrs.validators.and_(attrs.validators.instance_of(int), attrs.validators.ge(0))
_some = attrs.validators.and_(attrs.validators.instance_of(int), attrs.validators.ge(1))
_rate = attrs.validators.instance_of((int, float))


@attrs.frozen
class Setup:
    """One training run, in values that JSON can hold; each of its type, as in a file that may hold anything.

    data, source, task, classes and unit are those of the `Dataset`; sizes are the widths from input to output; f, g, loss and
    optimizer are words of the tables in `functions`; patience, test_fraction and val may be None: no early stopping, the source's
    own test part, no validation. val is a fraction of the training part, or the name of other data. rule is one of `RULES`, table
    the columns of a table.
    """

    data: str = attrs.field(validator=_text)
    source: str = attrs.field(validator=_text)
    task: Task = attrs.field(validator=attrs.validators.in_(FITTING))
    classes: tuple[str, ...] = attrs.field(converter=_names, validator=attrs.validators.deep_iterable(_text))
    unit: str = attrs.field(validator=_text)
    sizes: tuple[int, ...] = attrs.field(converter=_widths, validator=attrs.validators.deep_iterable(_some))
    f: str = attrs.field(validator=attrs.validators.in_(ACTIVATIONS))
    g: str = attrs.field(validator=attrs.validators.in_(ACTIVATIONS))
    loss: str = attrs.field(validator=attrs.validators.in_(LOSSES))
    optimizer: str = attrs.field(validator=attrs.validators.in_(OPTIMIZERS))
    lr: float = attrs.field(validator=_rate)
    batch: int = attrs.field(validator=_some)
    epochs: int = attrs.field(validator=_some)
    seed: int = attrs.field(validator=_count)
    patience: int | None = attrs.field(validator=attrs.validators.optional(_some))
    test_fraction: float | None = attrs.field(validator=attrs.validators.optional(_rate))
    val: float | str | None = attrs.field(validator=attrs.validators.optional(attrs.validators.instance_of((int, float, str))))
    rule: str = attrs.field(default="backprop", validator=attrs.validators.in_(RULES))
    table: Schema | None = attrs.field(default=None, converter=schema_from)


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


def refuse_rule(rule: str, sizes: Sequence[int], g: str) -> None:
    """Raises `ValueError` where a rule other than backpropagation has nothing to do, or does not know the error.

    >>> refuse_rule("fa", (10, 1), "identity")
    Traceback (most recent call last):
    ValueError: rule fa changes dx of hidden layers, and there are none: give --hidden widths, or --rule backprop
    """
    if rule != "backprop" and len(sizes) < 3:
        said = "changes dx of hidden layers, and there are none: give --hidden widths, or --rule backprop"
        raise ValueError(f"rule {rule} {said}")
    if rule == "dfa" and g != "identity":
        raise ValueError(f"rule dfa sends the error of the last linear layer to all others: it takes g identity, not {g}")


def setup_from(values: object) -> Setup:
    """The setup in what JSON made of a file. Raises `ValueError` or `TypeError` for anything but a setup of this version.

    >>> from pure_mlp.cli.model import example
    >>> setup_from(attrs.asdict(example().setup)) == example().setup
    True
    """
    if not isinstance(values, dict):
        raise TypeError(f"a setup that is {type(values).__name__}")
    setup = Setup(**values)
    refuse_nonsense(setup.task, setup.loss, setup.g)
    refuse_rule(setup.rule, setup.sizes, setup.g)
    outputs = len(setup.classes) if setup.task == "classes" else 1
    names = {"classes": len(setup.classes), "binary": 2, "regression": 0}[setup.task]
    if len(setup.sizes) < 2 or setup.sizes[-1] != outputs or len(setup.classes) != names:
        raise ValueError(f"sizes {setup.sizes} for {len(setup.classes)} classes of {setup.task}")
    if setup.table and (width(setup.table) != setup.sizes[0] or setup.table.target.levels != setup.classes):
        raise ValueError(f"a table that a net of sizes {setup.sizes} does not take")
    return setup
