"""A layer is a pair of pure functions; a network is the fold of layers, and is a layer again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeAlias, overload

import attrs
from torch import Tensor
from typing_extensions import TypeVar

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

    P is the type of params and grads, C of the cache, X and Y of input and output (tensors unless said otherwise).

    >>> import torch
    >>> double = Layer(lambda params, x: (2 * x, ()), lambda params, cache, dy: (2 * dy, ()))
    >>> double.fwd((), torch.tensor(3.0))
    (tensor(6.), ())
    """

    fwd: Callable[[P, X], tuple[Y, C]]
    bwd: Callable[[P, C, Y], tuple[X, P]]

    def __repr__(self) -> str:
        return layer_name(self)


Activation: TypeAlias = Layer[tuple[()], Tensor, Tensor, Tensor]
"""A layer without params whose cache is one tensor: every elementwise layer has this one type."""


def layer_name(layer: Layer[Any, Any, Any, Any]) -> str:
    """The name of a layer for people: that of its forward function, `linear` for `linear_fwd` and for one made by `linear(..)`.

    >>> layer_name(serial())
    'serial'
    """
    return getattr(layer.fwd, "__qualname__", "layer").split(".")[0].replace("_fwd", "")


def cotangent_of(y: Tensor, dy: Tensor) -> None:
    """Refuse a cotangent that would broadcast or promote: dy has the shape, dtype and device of the output y.

    >>> import torch
    >>> cotangent_of(torch.ones(4, 3), torch.ones(1, 3))
    Traceback (most recent call last):
    ValueError: dy (1, 3) float32, expected (4, 3) float32 as the output
    """
    if dy.shape != y.shape or dy.dtype != y.dtype or dy.device != y.device:
        raise ValueError(f"dy {spec(dy)}, expected {spec(y)} as the output")


def spec(x: Tensor) -> str:
    """Shape and dtype for an error message, and the device where it is not the CPU.

    >>> import torch
    >>> spec(torch.ones(2, 3))
    '(2, 3) float32'
    """
    place = "" if x.device.type == "cpu" else f" {x.device}"
    return f"{tuple(x.shape)} {str(x.dtype)[6:]}{place}"


P1 = TypeVar("P1")
P2 = TypeVar("P2")
P3 = TypeVar("P3")
P4 = TypeVar("P4")
P5 = TypeVar("P5")
P6 = TypeVar("P6")
P7 = TypeVar("P7")
P8 = TypeVar("P8")
C1 = TypeVar("C1")
C2 = TypeVar("C2")
C3 = TypeVar("C3")
C4 = TypeVar("C4")
C5 = TypeVar("C5")
C6 = TypeVar("C6")
C7 = TypeVar("C7")
C8 = TypeVar("C8")
V1 = TypeVar("V1")
V2 = TypeVar("V2")
V3 = TypeVar("V3")
V4 = TypeVar("V4")
V5 = TypeVar("V5")
V6 = TypeVar("V6")
V7 = TypeVar("V7")
V8 = TypeVar("V8")
V9 = TypeVar("V9")


# fmt: off
@overload
def serial() -> Layer[tuple[()], tuple[()], V1, V1]: ...
@overload
def serial(a: Layer[P1, C1, V1, V2], /) -> Layer[tuple[P1], tuple[C1], V1, V2]: ...
@overload
def serial(a: Layer[P1, C1, V1, V2], b: Layer[P2, C2, V2, V3], /) -> Layer[tuple[P1, P2], tuple[C1, C2], V1, V3]: ...
@overload
def serial(a: Layer[P1, C1, V1, V2], b: Layer[P2, C2, V2, V3], c: Layer[P3, C3, V3, V4], /) -> Layer[tuple[P1, P2, P3], tuple[C1, C2, C3], V1, V4]: ...
@overload
def serial(a: Layer[P1, C1, V1, V2], b: Layer[P2, C2, V2, V3], c: Layer[P3, C3, V3, V4], d: Layer[P4, C4, V4, V5], /) -> Layer[tuple[P1, P2, P3, P4], tuple[C1, C2, C3, C4], V1, V5]: ...
@overload
def serial(a: Layer[P1, C1, V1, V2], b: Layer[P2, C2, V2, V3], c: Layer[P3, C3, V3, V4], d: Layer[P4, C4, V4, V5], e: Layer[P5, C5, V5, V6], /) -> Layer[tuple[P1, P2, P3, P4, P5], tuple[C1, C2, C3, C4, C5], V1, V6]: ...
@overload
def serial(a: Layer[P1, C1, V1, V2], b: Layer[P2, C2, V2, V3], c: Layer[P3, C3, V3, V4], d: Layer[P4, C4, V4, V5], e: Layer[P5, C5, V5, V6], f: Layer[P6, C6, V6, V7], /) -> Layer[tuple[P1, P2, P3, P4, P5, P6], tuple[C1, C2, C3, C4, C5, C6], V1, V7]: ...
@overload
def serial(a: Layer[P1, C1, V1, V2], b: Layer[P2, C2, V2, V3], c: Layer[P3, C3, V3, V4], d: Layer[P4, C4, V4, V5], e: Layer[P5, C5, V5, V6], f: Layer[P6, C6, V6, V7], g: Layer[P7, C7, V7, V8], /) -> Layer[tuple[P1, P2, P3, P4, P5, P6, P7], tuple[C1, C2, C3, C4, C5, C6, C7], V1, V8]: ...
@overload
def serial(a: Layer[P1, C1, V1, V2], b: Layer[P2, C2, V2, V3], c: Layer[P3, C3, V3, V4], d: Layer[P4, C4, V4, V5], e: Layer[P5, C5, V5, V6], f: Layer[P6, C6, V6, V7], g: Layer[P7, C7, V7, V8], h: Layer[P8, C8, V8, V9], /) -> Layer[tuple[P1, P2, P3, P4, P5, P6, P7, P8], tuple[C1, C2, C3, C4, C5, C6, C7, C8], V1, V9]: ...
@overload
def serial(*layers: Layer[P1, C1, V1, V1]) -> Layer[tuple[P1, ...], tuple[C1, ...], V1, V1]: ...
# fmt: on
def serial(*layers: Layer[Any, Any, Any, Any]) -> Layer[Any, Any, Any, Any]:
    """Compose layers, the first one applied first: a left fold of `fwd`, a right fold of `bwd`.

    Params, cache and grads are flat tuples in the order of the layers. `serial()` is the unit; grouping changes the nesting of
    the tuples and nothing else. The backward fold frees each layer's cache and cotangent as soon as that layer has used them, if
    the caller gives them away (`y, *cache = net.fwd(..)`, then `net.bwd(params, cache.pop(), dy)`; Python 3.10 keeps what it is given
    until the call returns, later ones do not).

    Raises `ValueError` for a wrong number of params; an error inside a layer is raised again with its position and name.

    >>> import torch
    >>> from pure_mlp import linear, linear_init, relu
    >>> net = serial(linear, relu)
    >>> y, cache = net.fwd((linear_init(3, 2, torch.Generator()), ()), torch.ones(5, 3))
    >>> y.shape
    torch.Size([5, 2])
    """

    def fwd(params: tuple[Any, ...], x: Any) -> tuple[Any, tuple[Any, ...]]:
        if len(params) != len(layers):
            raise ValueError(f"{len(layers)} layers {layers}, {len(params)} params")
        caches: list[Any] = []
        try:
            for layer, p in zip(layers, params):
                x, cache = layer.fwd(p, x)
                caches.append(cache)
        except (ValueError, RuntimeError, TypeError, AttributeError) as error:
            _locate(error, f"layer {len(caches)} ({layers[len(caches)]})")
        return x, tuple(caches)

    def bwd(params: tuple[Any, ...], cache: tuple[Any, ...], dy: Any) -> tuple[Any, tuple[Any, ...]]:
        if not len(params) == len(cache) == len(layers):
            raise ValueError(f"{len(layers)} layers {layers}, {len(params)} params, {len(cache)} caches")
        caches, grads, back = [*cache], [], [dy]
        del cache, dy
        try:
            for layer, p in zip(reversed(layers), reversed(params)):
                back = [*layer.bwd(p, caches.pop(), back.pop())]
                grads.append(back.pop())
        except (ValueError, RuntimeError, TypeError, AttributeError) as error:
            _locate(error, f"layer {len(caches)} ({layers[len(caches)]}) backward")
        return back.pop(), tuple(reversed(grads))

    fwd.__qualname__ = "serial"
    return Layer(fwd, bwd)


def _locate(error: Exception, where: str) -> NoReturn:
    """Raise `error` again with its place in front; as it is where its class takes more than a message."""
    if type(error) in (ValueError, RuntimeError, TypeError, AttributeError):
        raise type(error)(f"{where}: {error}") from error
    raise error


unit: Layer[tuple[()], tuple[()], Tensor, Tensor] = serial()
"""The layer that does nothing, `serial()`: the unit of composition."""
