"""Layers one after another: a left fold forward, a right fold backward."""

from __future__ import annotations

from typing import Any, NoReturn, overload

import attrs
from torch import Tensor
from typing_extensions import TypeVar

from pure_mlp.layer import Composed, Layer, layer_name, tangent
from pure_mlp.shapes import spec

__all__ = ["serial", "unit"]

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
    the caller gives them away (`y, *cache = net.fwd(..)`, then `net.bwd(params, cache.pop(), dy)`; Python 3.10 keeps what it is
    given until the call returns, later ones do not).

    Args:
        layers: any number of layers, each taking what the one before it gives.

    Returns:
        The layer that is all of them.

    Raises:
        ValueError: a wrong number of params. An error inside a layer is raised again with its position and name.

    >>> import torch
    >>> from pure_mlp import linear, linear_init, relu
    >>> net = serial(linear, relu)
    >>> y, cache = net.fwd((linear_init(3, 2, torch.Generator()), ()), torch.ones(5, 3))
    >>> y.shape
    torch.Size([5, 2])
    """
    return Serial(layers).layer()


@attrs.frozen(eq=False)
class Serial(Composed):
    """The parts of `serial(..)`."""

    layers: tuple[Layer[Any, Any, Any, Any], ...]

    def parts(self) -> tuple[Layer[Any, Any, Any, Any], ...]:
        return self.layers

    def rebuilt(self, *parts: Layer[Any, Any, Any, Any]) -> Layer[Any, Any, Any, Any]:
        return Serial(parts).layer()

    def fwd(self, params: tuple[Any, ...], x: Any) -> tuple[Any, tuple[Any, ...]]:
        layers = self.layers
        if not _many(params, layers):
            raise ValueError(f"{self._count()}, {_told(params, 'params')}")
        caches: list[Any] = []
        try:
            for layer, p in zip(layers, params):
                x, cache = layer.fwd(p, x)
                caches.append(cache)
        except (ValueError, RuntimeError, TypeError, AttributeError) as error:
            _locate(error, f"layer {len(caches)} ({layer_name(layers[len(caches)])})", "input", x)
        return x, tuple(caches)

    def bwd(self, params: tuple[Any, ...], cache: tuple[Any, ...], dy: Any) -> tuple[Any, tuple[Any, ...]]:
        layers = self.layers
        if not (_many(params, layers) and _many(cache, layers)):
            raise ValueError(f"{self._count()}, {_told(params, 'params')}, {_told(cache, 'caches')}")
        caches, back = [*cache], [dy]
        grads: list[Any] = []
        del cache, dy
        try:
            for layer, p in zip(reversed(layers), reversed(params)):
                back = [*layer.bwd(p, caches.pop(), back.pop())]
                grads.append(back.pop())
        except (ValueError, RuntimeError, TypeError, AttributeError) as error:
            _locate(error, f"layer {len(caches)} ({layer_name(layers[len(caches)])}) backward")
        return back.pop(), tuple(reversed(grads))

    def jvp(self, params: tuple[Any, ...], cache: tuple[Any, ...], dparams: tuple[Any, ...], dx: Any) -> Any:
        layers, done = self.layers, 0
        if not (_many(params, layers) and _many(cache, layers) and _many(dparams, layers)):
            told = f"{_told(params, 'params')}, {_told(cache, 'caches')}, {_told(dparams, 'tangents of params')}"
            raise ValueError(f"{self._count()}, {told}")
        try:
            for layer, p, c, dp in zip(layers, params, cache, dparams):
                dx = tangent(layer)(p, c, dp, dx)
                done += 1
        except (ValueError, RuntimeError, TypeError, AttributeError) as error:
            _locate(error, f"layer {done} ({layer_name(layers[done])}) jvp")
        return dx

    def _count(self) -> str:
        return f"{len(self.layers)} layers ({', '.join(map(layer_name, self.layers))})"


def _many(given: object, layers: tuple[object, ...]) -> bool:
    """Whether there is one for each layer."""
    return isinstance(given, (tuple, list)) and len(given) == len(layers)


def _told(given: object, what: str) -> str:
    return f"{len(given)} {what}" if isinstance(given, (tuple, list)) else f"{what}: {spec(given)}, expected a tuple"


def _locate(error: Exception, where: str, what: str = "", given: object = None) -> NoReturn:
    """Raise `error` again with its place in front; as it is where its class takes more than a message.

    A layer that knows nothing of what it was given, since that is no tensor, says so.
    """
    if what and type(error) in (TypeError, AttributeError) and not isinstance(given, Tensor):
        raise ValueError(f"{where}: {what}: {spec(given)}, expected a tensor: {error}") from error
    if type(error) in (ValueError, RuntimeError, TypeError, AttributeError, NotImplementedError):
        raise type(error)(f"{where}: {error}") from error
    raise error


unit: Layer[tuple[()], tuple[()], Tensor, Tensor] = serial()
"""The layer that does nothing, `serial()`: the unit of composition."""
