"""A net as it is evaluated, where that differs from how it is trained."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, TypeAlias, TypeVar

from torch.func import vmap

from pure_mlp.combinators.ensemble import Ensemble, ensemble
from pure_mlp.layer import Layer, composition, tangent
from pure_mlp.layers.running import Statistics
from pure_mlp.registry.layers import row_of
from pure_mlp.shapes import spec

__all__ = ["evaluated"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")
AnyLayer: TypeAlias = Layer[Any, Any, Any, Any]


def evaluated(net: Layer[P, C, X, Y], statistics: tuple[Statistics, ...] = ()) -> Layer[P, Any, X, Y]:
    """The net with every layer replaced by the one that its row says it is in evaluation.

    That is `identity` for `dropout`, and `batch_norm_by` its statistics for `batch_norm`.

    Args:
        net: any net.
        statistics: one for each `batch_norm`, in order, as of `running_statistics`; stacked within an `ensemble`.

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
    try:
        made = _evaluated(net, supply)
    except StopIteration:
        raise ValueError(f"evaluated: {len(statistics)} statistics, the net has more batch_norm: each needs one") from None
    left = len([*supply])
    if left:
        raise ValueError(f"evaluated: {left} of {len(statistics)} statistics are left over: each batch_norm needs one")
    return made


def _evaluated(net: AnyLayer, supply: Iterator[Statistics]) -> AnyLayer:
    made = composition(net)
    if isinstance(made, Ensemble):
        return _members(made.f, supply)
    if made is not None:
        return made.rebuilt(*[_evaluated(part, supply) for part in made.parts()])
    row = row_of(net)
    return row.evaluated(net, supply) if row and row.evaluated else net


def _members(f: AnyLayer, supply: Iterator[Statistics]) -> AnyLayer:
    """`ensemble(f)` in evaluation: each member by its own statistics, a slice of those that f takes from the supply."""
    taken: list[Statistics] = []
    still = _evaluated(f, _noting(supply, taken))
    if not taken:
        return ensemble(still)
    own = tuple(taken)
    return Layer(partial(_evaluated_fwd, f, own), partial(_evaluated_bwd, f, own), partial(_evaluated_jvp, f, own))


def _noting(supply: Iterator[Statistics], taken: list[Statistics]) -> Iterator[Statistics]:
    for one in supply:
        taken.append(one)
        yield one


def _evaluated_fwd(f: AnyLayer, own: tuple[Statistics, ...], params: Any, x: Any) -> tuple[Any, Any]:
    return vmap(lambda s, p, x: _evaluated(f, iter(s)).fwd(p, x))(own, params, x)


def _evaluated_bwd(f: AnyLayer, own: tuple[Statistics, ...], params: Any, cache: Any, dy: Any) -> tuple[Any, Any]:
    return vmap(lambda s, p, cache, dy: _evaluated(f, iter(s)).bwd(p, cache, dy))(own, params, cache, dy)


def _evaluated_jvp(f: AnyLayer, own: tuple[Statistics, ...], params: Any, cache: Any, dparams: Any, dx: Any) -> Any:
    return vmap(lambda s, p, cache, dp, dx: tangent(_evaluated(f, iter(s)))(p, cache, dp, dx))(own, params, cache, dparams, dx)
