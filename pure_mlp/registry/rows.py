"""The rows of optimizers, schedules and inits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import attrs
import torch
from torch import Generator, Tensor
from torch.optim import lr_scheduler

from pure_mlp.layers.inits import Init
from pure_mlp.optim.optimizer import Optimizer, Schedule
from pure_mlp.registry.layer_row import LayerRow
from pure_mlp.registry.loss_row import LossRow

__all__ = ["InitRow", "OptimizerRow", "Row", "ScheduleRow"]


@attrs.frozen(eq=False)
class OptimizerRow:
    """One optimizer.

    Args:
        name: its public name, and its word on the command line.
        make: (learning rate or schedule, **options) -> the optimizer.
        reference: (tensors, learning rate, **options) -> that of torch; None where torch has none.
        formula: (learning rate, p, g, *slots, **options) -> the new p and slots, for one tensor, where torch has none.
        rate: the learning rate where --lr is not given.
        variants: other options that the laws are tried with, by name.
    """

    name: str
    make: Callable[..., Optimizer]
    reference: Callable[..., torch.optim.Optimizer] | None = None
    formula: Callable[..., tuple[Tensor, ...]] | None = None
    rate: float = 1e-3
    variants: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)

    def samples(self) -> Iterator[OptimizerRow]:
        """The row itself, and one for each variant with its options bound.

        >>> from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
        >>> [row.name for row in OPTIMIZER_ROWS["adamw"].samples()]
        ['adamw', 'adamw all']
        """
        yield self
        for name, options in self.variants.items():
            yield attrs.evolve(
                self,
                name=f"{self.name} {name}",
                make=partial(self.make, **options),
                reference=self.reference and partial(self.reference, **options),
                formula=self.formula and partial(self.formula, **options),
                variants={},
            )


@attrs.frozen(eq=False)
class ScheduleRow:
    """One schedule.

    Args:
        name: its public name.
        make: learning rate -> the schedule, its other arguments chosen.
        reference: the same as a scheduler of torch, for an optimizer of that learning rate; None where torch has none.
    """

    name: str
    make: Callable[[float], Schedule]
    reference: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler] | None = None


@attrs.frozen(eq=False)
class InitRow:
    """One init.

    Args:
        name: its public name.
        init: (n_in, n_out, generator, dtype, device) -> `Linear`.
        variance: (n_in, n_out) -> the variance of a component of the weight.
        reference: fills an empty weight as torch does; None where torch has no such function.
        bias: whether the bias is drawn too, and not 0.
    """

    name: str
    init: Init
    variance: Callable[[int, int], float]
    reference: Callable[[Tensor, Generator], Tensor] | None = None
    bias: bool = False


Row = LayerRow | LossRow | OptimizerRow | ScheduleRow | InitRow
