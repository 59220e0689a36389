"""Where a training step first made a value that is not finite."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor

from pure_mlp.layer import Layer, composition, layer_name
from pure_mlp.optim.optimizer import State
from pure_mlp.record import tree_items
from pure_mlp.signatures import Batch
from pure_mlp.train.step import TrainingStep

__all__ = ["first_nonfinite", "nonfinite"]

P = TypeVar("P")
C = TypeVar("C")


class _Found(Exception):
    """Ends the step where it is."""


def first_nonfinite(step: TrainingStep[P, C], carry: tuple[P, State[P]], batch: Batch) -> str | None:
    """The first tensor of the step that is not finite, and how many of its numbers, in words; None where all are finite.

    The step is made as it stands, every layer looked at: activations in their order, the loss and its gradient, then, from the last
    layer to the first, gradients and the cotangent that goes on, at last the updated params and optimizer state.

    >>> from pure_mlp import linear, linear_init, mse, sgd, training_step
    >>> params, x = linear_init(2, 1, torch.Generator()), torch.full((5, 2), 1e30)
    >>> first_nonfinite(training_step(linear, mse, sgd(1.0)), (params, sgd(1.0).init(params)), (x, torch.zeros(5, 1)))
    'the loss is not finite: 1 of 1 numbers (1 inf, 0 NaN)'
    """
    (params, state), (x, y) = carry, batch
    try:
        net = _watched(step.net, layer_name(step.net), "")
        y_hat, cache = net.fwd(params, x)
        J, dy_hat = step.loss(y, y_hat)
        _look("the loss", J)
        _look("the gradient of the loss by y_hat", dy_hat)
        _, grads = net.bwd(params, cache, dy_hat)
        params, state = step.optimizer.update(params, grads, state)
        _look("the updated params", params)
        _look("the updated optimizer state", state)
    except _Found as found:
        return str(found)
    return None


def nonfinite(what: str, tree: object) -> str | None:
    """That something in the tree is not finite, in words, with the path of the first such tensor; None where all is finite.

    >>> nonfinite("the gradient", (torch.ones(2), torch.tensor([1.0, float("nan")])))
    'the gradient (1) is not finite: 1 of 2 numbers (0 inf, 1 NaN)'
    """
    for path, t in tree_items(tree):
        if not torch.isfinite(t).all():
            nan, bad = int(torch.isnan(t).sum()), int((~torch.isfinite(t)).sum())
            return f"{what}{f' ({path})' if path else ''} is not finite: {bad} of {t.numel()} numbers ({bad - nan} inf, {nan} NaN)"
    return None


def _look(what: str, tree: object) -> None:
    if said := nonfinite(what, tree):
        raise _Found(said)


def _watched(net: Layer[Any, Any], name: str, above: str) -> Layer[Any, Any]:
    """The net whose primitive layers check what they compute; each is named with the layers that it is part of."""
    made = composition(net)
    if made is not None:
        within = f" of {name}{above}" if above or name != "serial" else ""
        return made.rebuilt(*[_watched(part, f"layer {i} ({layer_name(part)})", within) for i, part in enumerate(made.parts())])
    place = name + above

    def fwd(params: Any, x: Any) -> tuple[Any, Any]:
        y, cache = net.fwd(params, x)
        _look(f"the activation of {place}", y)
        return y, cache

    def bwd(params: Any, cache: Any, dy: Tensor) -> tuple[Any, Any]:
        dx, grads = net.bwd(params, cache, dy)
        _look(f"the gradient of {place}", grads)
        _look(f"the cotangent below {place}", dx)
        return dx, grads

    return Layer(fwd, bwd)
