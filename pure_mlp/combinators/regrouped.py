"""A chain whose layers stand in groups, while its params stay one flat tuple."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import attrs

from pure_mlp.layer import Composed, Layer, tangent

__all__ = ["Groups", "Regrouped"]

Groups: TypeAlias = "tuple[Groups | None, ...]"
"""How the layers of a chain stand: None is one layer, a tuple is a group of them."""


@attrs.frozen(eq=False)
class Regrouped(Composed):
    """f, whose params are nested as `groups` says, as a layer whose params are flat."""

    f: Layer[Any, Any, Any, Any]
    groups: Groups

    def parts(self) -> tuple[Layer[Any, Any, Any, Any], ...]:
        """f alone."""
        return (self.f,)

    def rebuilt(self, *parts: Layer[Any, Any, Any, Any]) -> Layer[Any, Any, Any, Any]:
        """The same of another layer."""
        return Regrouped(parts[0], self.groups).layer()

    def split(self, params: tuple[Any, ...]) -> tuple[Any, ...]:
        """The nested params, from the flat ones. Raises `ValueError` for too few or too many."""
        if len(params) != (layers := _count(self.groups)):
            raise ValueError(f"{layers} layers, {len(params)} params")
        return (_nested(self.groups, iter(params)),)

    def join(self, *params: Any) -> tuple[Any, ...]:
        """The flat params, from the nested ones."""
        return tuple(_flat(self.groups, params[0]))

    def fwd(self, params: tuple[Any, ...], x: Any) -> tuple[Any, Any]:
        """That of f."""
        return self.f.fwd(self.split(params)[0], x)

    def bwd(self, params: tuple[Any, ...], cache: Any, dy: Any) -> tuple[Any, tuple[Any, ...]]:
        """That of f."""
        caches = [cache]
        del cache
        dx, grads = self.f.bwd(self.split(params)[0], caches.pop(), dy)
        return dx, self.join(grads)

    def jvp(self, params: tuple[Any, ...], cache: Any, dparams: tuple[Any, ...], dx: Any) -> Any:
        """That of f."""
        return tangent(self.f)(self.split(params)[0], cache, self.split(dparams)[0], dx)


def _count(groups: Groups) -> int:
    return sum(1 if group is None else _count(group) for group in groups)


def _nested(groups: Groups, supply: Iterator[Any]) -> tuple[Any, ...]:
    return tuple([next(supply) if group is None else _nested(group, supply) for group in groups])


def _flat(groups: Groups, nested: tuple[Any, ...]) -> Iterator[Any]:
    for group, params in zip(groups, nested):
        if group is None:
            yield params
        else:
            yield from _flat(group, params)
