"""A net as it is evaluated, where that differs from how it is trained."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from pure_mlp.layer import Layer, Rule, over
from pure_mlp.layers.running import Statistics
from pure_mlp.registry.layers import row_of
from pure_mlp.shapes import spec

__all__ = ["evaluated"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


def evaluated(net: Layer[P, C, X, Y], statistics: tuple[Statistics, ...] = ()) -> Layer[P, Any, X, Y]:
    """The net with every layer replaced by the one that its row says it is in evaluation.

    That is `identity` for `dropout`, and `batch_norm_by` its statistics for `batch_norm`.

    Args:
        net: any net.
        statistics: one for each `batch_norm`, in order, as of `running_statistics`.

    Returns:
        A net whose params are those of the net.

    Raises:
        ValueError: too few statistics, or too many.

    >>> from pure_mlp import dropout, linear, serial
    >>> print(evaluated(serial(linear, dropout(0.5))))
    serial
      linear
      identity
    """
    if not isinstance(statistics, (tuple, list)):
        raise ValueError(f"evaluated: statistics {spec(statistics)}, expected a tuple of Statistics")
    supply = iter(statistics)

    def rule(layer: Layer[Any, Any]) -> Layer[Any, Any]:
        row = row_of(layer)
        return row.evaluated(layer, supply) if row and row.evaluated else layer

    try:
        made = over(cast(Rule, rule), net)
    except StopIteration:
        raise ValueError(f"evaluated: {len(statistics)} statistics, the net has more batch_norm: each needs one") from None
    left = len([*supply])
    if left:
        raise ValueError(f"evaluated: {left} of {len(statistics)} statistics are left over: each batch_norm needs one")
    return made
