"""Initial params of a whole net: shapes thread through it, as in stax."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.combinators.ensemble import Ensemble
from pure_mlp.layer import Layer, Rule, composition, layer_name, over
from pure_mlp.layers.dropout import seeded
from pure_mlp.layers.inits import Device, Init, linear_init
from pure_mlp.layers.linear import linear_fwd
from pure_mlp.record import tree_map
from pure_mlp.registry.layers import row_of
from pure_mlp.shapes import spec

__all__ = ["init"]

P = TypeVar("P")
C = TypeVar("C")


def init(
    net: Layer[P, C],
    sizes: Sequence[int | Tensor] | Tensor,
    generator: Generator,
    *,
    draw: Init = linear_init,
    dtype: torch.dtype = torch.float32,
    device: Device = "cpu",
) -> tuple[Layer[P, C], P]:
    """The net and its params: `draw` for each linear layer, what their rows say for the others, in the structure of the net.

    The net is run once, on zeros or on x, each linear layer being drawn when it is met.

    Args:
        net: a net of linear layers, registered layers, layers without params, and combinators of them.
        sizes: the width of the input, or an input x in its place; then the width of each linear layer's output, in order. x alone:
            every linear layer keeps its width.
        generator: what the params are drawn from.
        draw: an init, as `kaiming_uniform`.
        dtype: that of the params, where no x is given.
        device: that of the params, where no x is given.

    Returns:
        net and params, as `mlp` returns them.

    Raises:
        ValueError: widths do not meet, with the layer where they do not; too few sizes, or too many; an ensemble, or a layer of
            another kind that has params and no row with `init`.

    >>> from pure_mlp import linear, relu, residual, serial, tanh
    >>> net, params = init(serial(linear, relu, residual(serial(linear, tanh))), (3, 4, 4), Generator().manual_seed(0))
    >>> params[0].weight.shape, params[1], params[2][0].weight.shape
    (torch.Size([4, 3]), (), torch.Size([4, 4]))
    """
    if not callable(draw):
        raise ValueError(f"init: a draw that is {spec(draw)}, expected an init such as linear_init")
    came: object = sizes
    given: list[Any] = [came] if isinstance(came, Tensor) else [*came] if isinstance(came, Sequence) else []
    widths_at = [s for i, s in enumerate(given) if i or not isinstance(s, Tensor)]
    whole = all(hasattr(s, "__index__") and not isinstance(s, Tensor) and s >= 1 for s in widths_at)
    if not given or not whole or (isinstance(given[0], Tensor) and not given[0].dim()):
        told = ", ".join(map(spec, given)) or spec(sizes)
        ours = "the input's width or an input, and the widths of the linear layers, each at least 1"
        raise ValueError(f"init: sizes {told}; expected {ours}")
    if not isinstance(generator, Generator):
        raise ValueError(f"init: a generator that is {spec(generator)}, expected a torch.Generator")
    first, widths = given[0], deque(cast("list[int]", given[1:]))
    x = first if isinstance(first, Tensor) else torch.zeros(1, first, dtype=dtype, device=device)
    drawn: list[object] = []

    def met(layer: Layer[Any, Any]) -> Layer[Any, Any]:
        def fwd(params: object, x: Tensor) -> tuple[Any, Any]:
            row = row_of(layer)
            p: Any = row.init(x.shape[-1]) if row and row.init else ()
            p = tree_map(lambda t: t.to(x.device).to(x.dtype if x.is_floating_point() else dtype), p)
            if row and row.params and not row.init and layer.fwd is not linear_fwd:
                raise ValueError(f"init gives () to {layer_name(layer)}, which has params of its own")
            if layer.fwd is linear_fwd:
                if not widths and not isinstance(sizes, Tensor):
                    raise ValueError(f"no width is left of {len(given)} sizes")
                n_out = widths.popleft() if widths else x.shape[-1]
                p = draw(x.shape[-1], n_out, generator, x.dtype if x.is_floating_point() else dtype, x.device)
            drawn.append(p)
            try:
                return layer.fwd(p, x)
            except (AttributeError, TypeError, IndexError) as error:
                raise ValueError(f"init gives () to {layer_name(layer)}, which has params of its own: {error}") from error

        fwd.__qualname__ = layer_name(layer)
        return attrs.evolve(layer, fwd=fwd)

    over(cast(Rule, met), seeded(net, 0)).fwd(_joined(net, None), x)
    if widths:
        raise ValueError(f"init: the sizes {[*widths]} are left over: the net has {len(given) - 1 - len(widths)} linear layers")
    return net, _joined(net, iter(drawn))


def _joined(net: Layer[Any, Any], supply: Iterator[object] | None) -> Any:
    """The params of the net, those of each primitive layer from the supply, or `()`."""
    made = composition(net)
    if isinstance(made, Ensemble):
        raise ValueError("init: an ensemble has params for each of its members: init the layer once for each, and stack them")
    if made is None:
        return () if supply is None else next(supply)
    return made.join(*[_joined(part, supply) for part in made.parts()])
