"""Names for spaces, so that a type checker refuses layers that do not fit."""

from __future__ import annotations

from typing import TypeVar, cast

from torch import Tensor

from pure_mlp.layer import Layer

__all__ = ["tag"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X", bound=Tensor)
Y = TypeVar("Y", bound=Tensor)


def tag(f: Layer[P, C], x: type[X], y: type[Y]) -> Layer[P, C, X, Y]:
    """f itself, typed as a map from the space X to the space Y. Nothing happens at run time.

    X and Y are subclasses of Tensor that are never instantiated: `class Pixels(Tensor): ...`. `serial(dec, enc)` of layers whose
    tags do not meet is then an error in mypy ("Cannot infer value of type parameter") and pyright.

    Args:
        f: a layer.
        x: the class of its input.
        y: the class of its output.

    Returns:
        f.

    >>> from pure_mlp import relu
    >>> class Pixels(Tensor): ...
    >>> class Hidden(Tensor): ...
    >>> tag(relu, Pixels, Hidden) is relu
    True
    """
    return cast("Layer[P, C, X, Y]", f)
