"""What is measured of a run while it runs again: gradients of each layer, and a plane of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import attrs
from torch import Tensor

from pure_mlp.cli.history import Row
from pure_mlp.cli.model import Model, Params, answers, linears, net_like, outputs
from pure_mlp.cli.rule import own_params, ruled
from pure_mlp.registry.functions import LOSSES
from pure_mlp.report.measure import angles_between, by_layer, norms
from pure_mlp.train.step import value_and_grad

__all__ = ["Moment", "Watching"]

MOST = 60
"""So many epochs at most are measured, evenly spaced."""


@attrs.frozen
class Moment:
    """After so many epochs, of the gradient of each layer: norm, angle to the first one, angle to that of backpropagation.

    to_backprop is None where the rule is backpropagation.
    """

    epoch: int
    norms: tuple[float, ...]
    to_first: tuple[float, ...]
    to_backprop: tuple[float, ...] | None


class Watching:
    """Listens to a run.

    x, y: the batch on which gradients are taken. points (n, 2): inputs whose answers are kept at epochs 0, 1, 2, 4, 8 and so on,
    and at the last; None keeps none. epochs: how many there will be.
    """

    def __init__(self, model: Model, x: Tensor, y: Tensor, epochs: int, points: Tensor | None = None) -> None:
        self.moments: list[Moment] = []
        self.frames: list[tuple[int, Tensor]] = []
        self.params: Params = model.params
        self._model, self._batch, self._points = model, (x, y), points
        self._epochs, self._every = epochs, ceil(epochs / MOST)
        self._first: tuple[Tensor, ...] | None = None

    def __call__(self, rows: Sequence[Row], trained: Any) -> None:
        """See an epoch; Any: as in `Carry`."""
        self.see(len(rows), trained)

    def see(self, epoch: int, trained: Any) -> None:
        """See what is trained after so many epochs."""
        setup, last = self._model.setup, epoch == self._epochs
        self.params = own_params(setup, trained)
        if epoch % self._every == 0 or last:
            self.moments.append(self._moment(epoch, trained))
        if self._points is not None and (epoch & (epoch - 1) == 0 or last):
            model = attrs.evolve(self._model, params=self.params)
            self.frames.append((epoch, answers(model, outputs(model, self._points))))

    def _moment(self, epoch: int, trained: Any) -> Moment:
        setup, (x, y) = self._model.setup, self._batch
        loss = LOSSES[setup.loss]
        grads = by_layer(linears(setup, own_params(setup, value_and_grad(ruled(setup), loss)(trained, x, y)[1])))
        self._first = self._first or grads
        others = None
        if setup.rule != "backprop":
            plain = by_layer(linears(setup, value_and_grad(net_like(setup), loss)(self.params, x, y)[1]))
            others = angles_between(grads, plain)
        return Moment(epoch, norms(grads), angles_between(grads, self._first), others)
