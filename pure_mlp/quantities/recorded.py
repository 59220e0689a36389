"""Every activation and cotangent of a net, by the path of its layer."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs
from torch import Tensor

from pure_mlp.combinators.ensemble import Ensemble
from pure_mlp.layer import Layer, composition
from pure_mlp.quantities.per_layer import AnyLayer
from pure_mlp.record import record

__all__ = ["Recorded", "recorded"]

P = TypeVar("P")
C = TypeVar("C")


@record
@attrs.frozen(eq=False)
class Recorded:
    """What went through a layer: its input x and output y, and their cotangents dx and dy."""

    x: Tensor
    y: Tensor
    dx: Tensor
    dy: Tensor


def recorded(net: Layer[P, C], params: P, x: Tensor, dy: Tensor) -> dict[str, Recorded]:
    """x, y, dx and dy of every layer for one forward and one backward pass, by path: `""` is the net, `"0.1"` part 1 of its part 0.

    Paths come in the order of `outline`, a layer before its parts. dx is `NO_DX` for `linear_bottom`. The members of an `ensemble`
    run as one, which is recorded as a whole. With `scored(loss, y)` as last layer and dy = 1 the passes are those of training.

    Args:
        net: any net of tensors.
        params: its params.
        x: an input.
        dy: the cotangent of the output.

    Returns:
        A dict from path to `Recorded`.

    Raises:
        ValueError: what the passes raise.

    >>> import torch
    >>> from pure_mlp import relu, serial, tanh
    >>> seen = recorded(serial(relu, tanh), ((), ()), torch.tensor([0.0, -1.0]), torch.tensor([5.0, 7.0]))
    >>> [*seen], seen["0"].dy, seen[""].dx
    (['', '0', '1'], tensor([5., 7.]), tensor([0., 0.]))
    """
    seen: dict[str, Recorded] = {}
    noted = _recorded(net, "", seen)
    noted.bwd(params, noted.fwd(params, x)[1], dy)
    return dict(reversed(seen.items()))


def _recorded(layer: AnyLayer, path: str, seen: dict[str, Recorded]) -> AnyLayer:
    """The layer that notes what its backward pass meets, and so do its parts: the last layer first, the parts before the whole."""
    made = composition(layer)
    if made is not None and not isinstance(made, Ensemble):
        layer = made.rebuilt(*[_recorded(part, f"{path}.{i}".lstrip("."), seen) for i, part in enumerate(made.parts())])

    def fwd(params: Any, x: Any) -> tuple[Any, Any]:
        y, cache = layer.fwd(params, x)
        return y, (x, y, cache)

    def bwd(params: Any, cache: Any, dy: Any) -> tuple[Any, Any]:
        x, y, kept = cache
        dx, grads = layer.bwd(params, kept, dy)
        seen[path] = Recorded(x, y, dx, dy)
        return dx, grads

    return Layer(fwd, bwd)
