"""What the combinators of one layer share."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import attrs

from pure_mlp.layer import Composed, Layer

__all__ = ["Wrapper"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


@attrs.frozen(eq=False)
class Wrapper(Composed, Generic[P, C, X, Y]):
    """A composition of the one layer f, whose params are those of f."""

    f: Layer[P, C, X, Y]

    def parts(self) -> tuple[Layer[P, C, X, Y], ...]:
        """f alone."""
        return (self.f,)

    def rebuilt(self, *parts: Layer[Any, Any, Any, Any]) -> Layer[Any, Any, Any, Any]:
        """The same of another layer."""
        return type(self)(*parts).layer()

    def split(self, params: P) -> tuple[P, ...]:
        """They are those of f."""
        return (params,)

    def join(self, *params: P) -> P:
        """They are those of f."""
        return params[0]
