"""The second derivatives of a loss, as products with a vector."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from torch import Tensor

__all__ = ["curvature", "curved"]

F = TypeVar("F", bound=Callable[..., object])

_RULES: dict[Callable[..., object], Callable[..., Tensor]] = {}


def curved(rule: Callable[..., Tensor]) -> Callable[[F], F]:
    """A decorator by which a loss says its second derivatives.

    Args:
        rule: `rule(y, y_hat, v, **options) -> H v`, with the options of the loss, H = d^2 J / dy_hat^2. Like the gradient, it is
            that of the sum where the reduction is none.

    Returns:
        The decorator, which returns the loss itself.

    >>> import torch
    >>> @curved(lambda y, y_hat, v: v)
    ... def half_square(y, y_hat):
    ...     return 0.5 * (y_hat - y).square().sum(), y_hat - y
    >>> curvature(half_square, torch.zeros(2), torch.ones(2), torch.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """

    def note(loss: F) -> F:
        _RULES[loss] = rule
        return loss

    return note


def curvature(loss: Callable[..., object], y: Tensor, y_hat: Tensor, v: Tensor) -> Tensor:
    """H v, where H = d^2 J / dy_hat^2 of J = loss(y, y_hat): how dJ/dy_hat moves when y_hat moves by v.

    Args:
        loss: a loss that says it by `curved`, or a `functools.partial` of one that binds options.
        y: labels.
        y_hat: predictions.
        v: a direction, of the shape of y_hat.

    Returns:
        H v, of the shape of y_hat.

    Raises:
        ValueError: the loss does not say its second derivatives.

    >>> import torch
    >>> from pure_mlp import mse
    >>> curvature(mse, torch.zeros(2), torch.ones(2), torch.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """
    bound = loss if isinstance(loss, partial) and not loss.args else partial(loss)
    if bound.func not in _RULES:
        name = getattr(bound.func, "__name__", type(bound.func).__name__)
        raise ValueError(f"the loss {name} does not say its second derivatives: decorate it with curved(rule)")
    return _RULES[bound.func](y, y_hat, v, **bound.keywords)
