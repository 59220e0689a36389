"""A net as it is evaluated, where that differs from how it is trained."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from pure_mlp.layer import Layer, Rule, over
from pure_mlp.registry.layers import row_of

__all__ = ["evaluated"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


def evaluated(net: Layer[P, C, X, Y]) -> Layer[P, C, X, Y]:
    """The net with every layer replaced by the one that its row says it is in evaluation: `dropout` by `identity`.

    Args:
        net: any net.

    Returns:
        A net of the same type, whose params are those of the net.

    >>> from pure_mlp import dropout, linear, serial
    >>> print(evaluated(serial(linear, dropout(0.5))))
    serial
      linear
      identity
    """
    return over(cast(Rule, _rule), net)


def _rule(layer: Layer[Any, Any]) -> Layer[Any, Any]:
    row = row_of(layer)
    return row.evaluated(layer) if row and row.evaluated else layer
