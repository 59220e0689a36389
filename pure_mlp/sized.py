"""Layers between spaces: classes that carry a size, by which a type checker refuses layers that do not meet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.combinators.serial import serial
from pure_mlp.initialize import init
from pure_mlp.layer import Layer, composition, layer_name
from pure_mlp.layers.inits import Init, linear_init
from pure_mlp.layers.linear import Linear, linear, linear_fwd
from pure_mlp.shapes import spec

__all__ = ["Sized", "Space", "affine", "sized"]

P = TypeVar("P")
C = TypeVar("C")
Q = TypeVar("Q")
D = TypeVar("D")
X = TypeVar("X", bound="Space")
Y = TypeVar("Y", bound="Space")
Z = TypeVar("Z", bound="Space")


class Space:
    """The vectors of one size, under a name: `class Hidden(Space): size = 800`. There are no instances.

    Raises `ValueError` for a class whose size is no whole number from 1, or another than that of a space that it stems from, for
    which type checkers take it.

    >>> class Hidden(Space):
    ...     size = 800
    >>> Hidden.size
    800
    """

    size: ClassVar[int]

    def __init_subclass__(cls) -> None:
        size = getattr(cls, "size", None)
        if type(size) is not int or size < 1:
            raise ValueError(f"class {cls.__name__}(Space): size {size}, expected a whole number from 1")
        stem = cls.__mro__[1]
        if size != getattr(stem, "size", size):
            raise ValueError(f"class {cls.__name__}({stem.__name__}): size {size}, expected that of {stem.__name__}, or (Space)")


@attrs.frozen(eq=False)
class Sized(Generic[X, Y, P, C]):
    """A layer from the space X to the space Y, which knows how its params are drawn.

    `f >> g` is `serial` of the two, f first, with params and caches in pairs. It is a type error, and a `ValueError`, unless g
    takes what f gives.

    layer: the pair of functions, to be run and trained. source, target: the spaces. draw: the params, see `init`.
    """

    layer: Layer[P, C]
    source: type[X]
    target: type[Y]
    draw: Callable[[Generator, Init, torch.dtype], P]

    def __rshift__(self, after: Sized[Y, Z, Q, D], /) -> Sized[X, Z, tuple[P, Q], tuple[C, D]]:
        """First this layer, then the other one."""
        given: object = after
        if not isinstance(given, Sized):
            raise ValueError(f">>: {spec(given)}, expected a layer between spaces, as sized(layer, A, B) makes it")
        if after.source is not self.target:
            pair = f"{layer_name(self.layer)} gives {_said(self.target)}, {layer_name(after.layer)} takes {_said(after.source)}"
            raise ValueError(f">>: {pair}")
        return Sized(serial(self.layer, after.layer), self.source, after.target, partial(_both, self, after))

    def init(self, generator: Generator, draw: Init = linear_init, dtype: torch.dtype = torch.float32) -> P:
        """Params, drawn by `draw`. Raises `ValueError`, with place and name, for a layer that does not give what its space says."""
        return self.draw(generator, draw, dtype)


def sized(layer: Layer[P, C], source: type[X], target: type[Y], *between: int) -> Sized[X, Y, P, C]:
    """The layer between two spaces. What type checkers cannot know, whether it maps the sizes so, is tried by `.init`.

    Args:
        layer: any layer that `init` knows the params of.
        source: the space of its input.
        target: the space of its output, and of its last linear layer.
        between: the widths of its linear layers before the last.

    Returns:
        `Sized`, with `>>`, `.init(generator)` and `.layer`.

    Raises:
        ValueError: what is no class of a space.

    >>> from pure_mlp import dense, relu
    >>> class Pixels(Space):
    ...     size = 784
    >>> class Hidden(Space):
    ...     size = 800
    >>> class Digit(Space):
    ...     size = 10
    >>> net = sized(dense(relu), Pixels, Hidden) >> affine(Hidden, Digit)
    >>> params = net.init(Generator().manual_seed(0))
    >>> net.layer.fwd(params, torch.zeros(5, Pixels.size))[0].shape
    torch.Size([5, 10])
    >>> sized(relu, Pixels, Hidden).init(Generator())
    Traceback (most recent call last):
    ValueError: relu from Pixels (784) to Hidden (800) gives (1, 784)
    """
    for space in (source, target):
        if not hasattr(space, "__mro__") or Space not in space.__mro__[1:]:
            raise ValueError(
                f"sized: {getattr(space, '__name__', spec(space))}, expected a class such as class Hidden(Space): size = 800"
            )
    return Sized(layer, source, target, partial(_drawn, layer, source, target, between))


def affine(source: type[X], target: type[Y]) -> Sized[X, Y, Linear, Tensor]:
    """`linear` between two spaces.

    Args:
        source: the space of its input.
        target: the space of its output.

    Returns:
        `sized(linear, source, target)`.

    >>> class Pixels(Space):
    ...     size = 784
    >>> class Hidden(Space):
    ...     size = 800
    >>> affine(Pixels, Hidden) >> affine(Pixels, Hidden)
    Traceback (most recent call last):
    ValueError: >>: linear gives Hidden (800), linear takes Pixels (784)
    """
    return sized(linear, source, target)


def _said(space: type[Space]) -> str:
    return f"{space.__name__} ({space.size})"


def _both(
    first: Sized[Any, Any, P, Any], after: Sized[Any, Any, Q, Any], generator: Generator, draw: Init, dtype: torch.dtype
) -> tuple[P, Q]:
    """The params of the one, then those of the other; an error says which."""
    drawn: list[object] = []
    try:
        drawn.append(params := first.init(generator, draw, dtype))
        return params, after.init(generator, draw, dtype)
    except ValueError as error:
        where = (first, after)[len(drawn)].layer
        raise ValueError(f"layer {len(drawn)} ({layer_name(where)}): {error}") from error


def _drawn(
    layer: Layer[P, C],
    source: type[Space],
    target: type[Space],
    between: tuple[int, ...],
    generator: Generator,
    draw: Init,
    dtype: torch.dtype,
) -> P:
    widths = (*between, target.size) if between or _has_linear(layer) else ()
    params = init(layer, (source.size, *widths), generator, draw=draw, dtype=dtype)[1]
    y = layer.fwd(params, torch.zeros(1, source.size, dtype=dtype))[0]
    if y.shape != (1, target.size):
        raise ValueError(f"{layer_name(layer)} from {_said(source)} to {_said(target)} gives {tuple(y.shape)}")
    return params


def _has_linear(layer: Layer[Any, Any]) -> bool:
    made = composition(layer)
    return layer.fwd is linear_fwd if made is None else any(map(_has_linear, made.parts()))
