"""How many examples the loss of a batch counts, so that the losses of batches can be averaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias, TypeVar

from torch import Tensor

from pure_mlp.shapes import spec

__all__ = ["Mass", "mass", "weighed"]

F = TypeVar("F", bound=Callable[..., object])

Mass: TypeAlias = tuple[float | Tensor, float | Tensor]
"""(w, m): w J is the sum over what counts in a batch, and m how much that is."""

_RULES: dict[Callable[..., object], Callable[..., Mass]] = {}


def weighed(rule: Callable[..., Mass]) -> Callable[[F], F]:
    """A decorator by which a loss says its mass.

    Args:
        rule: `rule(y, **options) -> (w, m)`, with the options of the loss: w J is the sum of the batch, m what it is a sum of.

    Returns:
        The decorator, which returns the loss itself.

    >>> import torch
    >>> @weighed(lambda y: (1, y.numel()))
    ... def absolute(y, y_hat):
    ...     return (y_hat - y).abs().sum(), (y_hat - y).sign()
    >>> mass(absolute, torch.ones(4, 2))
    (1, 8)
    """

    def note(loss: F) -> F:
        _RULES[loss] = rule
        return loss

    return note


def mass(loss: Callable[..., object], y: Tensor) -> Mass:
    """(w, m) of J = loss(y, ..): over batches, the sum of w J over the sum of m is the mean over everything that counts.

    Args:
        loss: a loss, or a `functools.partial` of one that binds options. One that does not say is a mean over the rows of y.
        y: the labels of a batch.

    Returns:
        w and m; m is 0 where nothing counts.

    >>> import torch
    >>> from pure_mlp import mse
    >>> mass(mse, torch.ones(5, 2)), mass(partial(mse, reduction="sum"), torch.ones(5, 2))
    ((5, 5), (1, 5))
    """
    bound = loss if isinstance(loss, partial) and not loss.args else partial(loss)
    return _RULES.get(bound.func, by_rows)(y, **bound.keywords)


def by_rows(y: Tensor, reduction: str = "mean", **_: object) -> Mass:
    """That of a loss in which every row of y counts.

    >>> import torch
    >>> by_rows(torch.ones(5, 2)), by_rows(torch.ones(5, 2), "sum")
    ((5, 5), (1, 5))
    """
    if not isinstance(y, Tensor):
        raise ValueError(f"labels {spec(y)}, expected a tensor")
    rows = y.shape[0] if y.dim() else 1
    return (1 if reduction == "sum" else rows), rows
