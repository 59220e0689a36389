"""A layer is a pair of pure functions; a composed layer knows its parts, so that a rule can be mapped over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import FunctionType
from typing import Any, Generic, Protocol, TypeAlias

import attrs
from torch import Tensor
from typing_extensions import TypeVar

from pure_mlp.record import tree_items
from pure_mlp.shapes import spec

__all__ = ["Activation", "Composed", "Layer", "Rule", "layer_name", "outline", "over", "tangent"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X", default=Tensor)
Y = TypeVar("Y", default=Tensor)


@attrs.frozen(eq=False, repr=False)
class Layer(Generic[P, C, X, Y]):
    """A differentiable function of params and input, with its hand-written vector-Jacobian product.

    `fwd(params, x) -> (y, cache)` computes y = f(params, x) and whatever `bwd` will want to know.
    `bwd(params, cache, dy) -> (dx, grads)` maps the cotangent dy = dJ/dy to dx = dJ/dx and grads = dJ/dparams, where J is any
    scalar: dx = (df/dx)^T dy, grads = (df/dparams)^T dy. Gradients are sums over the batch; dx has the shape of x, grads is a
    record of the type of params. Both functions are pure: they change nothing that they are given.

    `jvp(params, cache, dparams, dx) -> dy` is optional: it maps tangents, which are directions in which params and x move, to that
    in which y moves, dy = (df/dparams) dparams + (df/dx) dx. It is the transpose of `bwd`, <u, jvp(v)> = <bwd(u), v>.

    `bwd_jvp(params, cache, dy, dparams, dx) -> (ddx, dgrads)`, optional and of primitive layers alone, is how
    `bwd(params, cache, dy)` moves when params and x do and dy is held: the second derivatives of f, for Hessian-vector products.

    P is the type of params and grads, C of the cache, X and Y of input and output (tensors unless said otherwise). A layer prints
    as its `outline`.

    >>> import torch
    >>> double = Layer(lambda params, x: (2 * x, ()), lambda params, cache, dy: (2 * dy, ()))
    >>> double.fwd((), torch.tensor(3.0))
    (tensor(6.), ())
    """

    fwd: Callable[[P, X], tuple[Y, C]]
    bwd: Callable[[P, C, Y], tuple[X, P]]
    jvp: Callable[[P, C, P, X], Y] | None = None
    bwd_jvp: Callable[[P, C, Y, P, X], tuple[X, P]] | None = None

    def __repr__(self) -> str:
        return outline(self)


Activation: TypeAlias = Layer[tuple[()], Tensor, Tensor, Tensor]
"""A layer without params whose cache is one tensor: every elementwise layer has this one type."""
AnyLayer: TypeAlias = Layer[Any, Any, Any, Any]


class Composed(ABC):
    """What a combinator makes: an object that holds the parts of a layer and whose methods `fwd`, `bwd` and `jvp` are the layer's.

    Subclasses are frozen attrs classes, so that a layer made of them can be pickled. The params of the whole are a tuple of
    those of the parts, unless `split` and `join` say otherwise.
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """What error messages and outlines call the layer: the name of the combinator."""
        return type(self).__name__.lower()

    @abstractmethod
    def parts(self) -> tuple[AnyLayer, ...]:
        """The layers that this one is made of, in the order in which they run."""

    @abstractmethod
    def rebuilt(self, *parts: AnyLayer) -> AnyLayer:
        """The same composition of other layers."""

    def split(self, params: Any) -> tuple[Any, ...]:
        """The params of each part, from those of the whole. Raises `ValueError` for what is no tuple of them."""
        if not isinstance(params, (tuple, list)):
            raise ValueError(f"{self.name}: params: {spec(params)}, expected a tuple")
        return tuple(params)

    def join(self, *params: Any) -> Any:
        """The params of the whole, from those of each part."""
        return params

    @abstractmethod
    def fwd(self, params: Any, x: Any) -> tuple[Any, Any]:
        """The forward pass."""

    @abstractmethod
    def bwd(self, params: Any, cache: Any, dy: Any) -> tuple[Any, Any]:
        """The backward pass."""

    @abstractmethod
    def jvp(self, params: Any, cache: Any, dparams: Any, dx: Any) -> Any:
        """The tangent of the output."""

    def layer(self) -> AnyLayer:
        """The layer of the three methods. Raises `ValueError` where a part is no layer."""
        parts: tuple[object, ...] = self.parts()
        for i, part in enumerate(parts):
            if not isinstance(part, Layer):
                raise ValueError(f"{type(self).__name__.lower()}: part {i} is {spec(part)}, expected a Layer{_maker(part)}")
        return Layer(self.fwd, self.bwd, self.jvp)


def _maker(given: object) -> str:
    """How a layer is made by the function that came in its place."""
    if isinstance(given, FunctionType) and str(given.__annotations__.get("return")).startswith(("Layer", "Activation")):
        return f": {given.__name__}() makes one"
    return ""


def tangent(layer: Layer[P, C, X, Y]) -> Callable[[P, C, P, X], Y]:
    """The `jvp` of a layer. Raises `ValueError` with the layer's name where it has none.

    >>> tangent(Layer(lambda params, x: (x, x), lambda params, cache, dy: (dy, params)))
    Traceback (most recent call last):
    ValueError: <lambda> has no jvp, which is needed here: give it one by attrs.evolve(layer, jvp=..)
    """
    if layer.jvp is None:
        raise ValueError(f"{layer_name(layer)} has no jvp, which is needed here: give it one by attrs.evolve(layer, jvp=..)")
    return layer.jvp


def composition(layer: AnyLayer) -> Composed | None:
    """The object that both functions of a layer are methods of; None for a primitive layer, and one whose `bwd` was replaced.

    >>> from pure_mlp import relu, serial
    >>> composition(relu), composition(serial(relu)).name
    (None, 'serial')
    """
    if not isinstance(layer, Layer):
        raise ValueError(f"a net that is {spec(layer)}, expected a Layer{_maker(layer)}")
    made = getattr(layer.fwd, "__self__", None)
    return made if isinstance(made, Composed) and getattr(layer.bwd, "__self__", None) is made else None


class Rule(Protocol):
    """A function from a layer to one of the same type: the same function with another `bwd`, a traced one, and so on."""

    def __call__(self, layer: Layer[P, C, X, Y], /) -> Layer[P, C, X, Y]:
        """The layer that stands in its place."""
        ...


def over(rule: Rule, net: Layer[P, C, X, Y]) -> Layer[P, C, X, Y]:
    """The net with every primitive layer f replaced by rule(f); the combinators between them stay.

    A layer whose `fwd` or `bwd` was replaced by hand is primitive, whatever it was made of.

    Args:
        rule: given a primitive layer; returns it, or another layer of the same type.
        net: a layer of layers, or a primitive one.

    Returns:
        The rebuilt net.

    Raises:
        ValueError: a net that is no layer, a rule that is no function or returns no layer.

    >>> import torch
    >>> from pure_mlp import relu, serial, tanh
    >>> print(over(lambda f: tanh if f is relu else f, serial(relu, serial(relu))))
    serial
      tanh
      serial
        tanh
    """
    made = composition(net)
    if made is not None:
        return made.rebuilt(*[over(rule, part) for part in made.parts()])
    if not callable(rule):
        raise ValueError(f"over: a rule that is {spec(rule)}, expected a function of a layer")
    layer: object = rule(net)
    if not isinstance(layer, Layer):
        raise ValueError(f"over: the rule makes {layer_name(net)} {spec(layer)}, expected a Layer")
    return layer


def layer_name(layer: AnyLayer) -> str:
    """The name of a layer for people: that of its combinator, or of its forward function without `_fwd`.

    Args:
        layer: any layer.

    Returns:
        `linear` for `linear_fwd`; `serial`; `dense_relu` for `dense(relu)`.

    >>> from pure_mlp import serial
    >>> layer_name(serial())
    'serial'
    """
    fwd = getattr(layer, "fwd", None)
    made = getattr(fwd, "__self__", None)
    if isinstance(made, Composed):
        return made.name
    fwd = getattr(fwd, "func", fwd)
    return getattr(fwd, "__qualname__", "layer").split(".")[0].removesuffix("_fwd").removeprefix("_")


def outline(net: Layer[P, C, X, Y], params: P | None = None) -> str:
    """The net as a tree of names, a layer a line, with the shapes of its parameters where they are given.

    Args:
        net: any layer.
        params: those of the net.

    Returns:
        Lines of text.

    Raises:
        ValueError: what is no layer, or params of another net.

    >>> from pure_mlp import mlp
    >>> from torch import Generator
    >>> net, params = mlp((3, 2), Generator())
    >>> print(outline(net, params))
    serial
      dense_identity
        linear: weight (2, 3), bias (2,)
        identity
    """
    made = composition(net)
    if made is None:
        sizes = [f"{name} {tuple(t.shape)}".strip() for name, t in tree_items(params)] if params is not None else []
        return layer_name(net) + ": " * bool(sizes) + ", ".join(sizes)
    parts = made.parts()
    try:
        given = [None] * len(parts) if params is None else made.split(params)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"outline: {made.name} of {len(parts)} layers, params: {spec(params)}") from error
    if len(given) != len(parts):
        raise ValueError(f"outline: {made.name} of {len(parts)} layers, {len(given)} params")
    below = [outline(part, p) for part, p in zip(parts, given)]
    return "\n  ".join([made.name, *("\n".join(below).splitlines() if below else [])])
