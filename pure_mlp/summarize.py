"""What a net is made of and what it costs, as a table."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import attrs
import torch
from torch import Tensor

from pure_mlp.layer import Layer, Rule, composition, layer_name, over
from pure_mlp.layers.dropout import seeded
from pure_mlp.record import tree_leaves

__all__ = ["summary"]

P = TypeVar("P")
C = TypeVar("C")


@attrs.define
class _Row:
    """What is known of one primitive layer."""

    shape: str = ""
    params: int = 0
    kept: list[Tensor] = attrs.field(factory=list)
    forward: int = 0
    back: int = 0


def summary(net: Layer[P, C], params: P, x: Tensor) -> str:
    """Shapes, parameters, cache bytes and FLOPs of each layer of a net for one input, and their sums.

    Both passes are run once, every layer on its own (a fused layer as its parts). Bytes are those of the cache that the net keeps,
    each tensor counted where it is first kept; FLOPs are those of matrix products, by torch's counter, 2 n m k each. What `remat`
    computes again counts as backward.

    Args:
        net: any net of tensors.
        params: its params.
        x: an input, with a batch.

    Returns:
        A table, a line a layer.

    Raises:
        ValueError: what is no layer, and what the net raises.

    >>> from pure_mlp import mlp
    >>> net, params = mlp((3, 4, 2), torch.Generator())
    >>> print(summary(net, params, torch.ones(5, 3)))
    layer           output  params  cache bytes  FLOPs forward  FLOPs backward
    serial
      dense_relu
        linear      (5, 4)      16           60            120             120
        relu        (5, 4)       0           80              0               0
      dense_identity
        linear      (5, 2)      10            0             80             160
        identity    (5, 2)       0           40              0               0
    sum                         26          180            200             280
    """
    rows: list[_Row] = []
    returning = False

    def measured(layer: Layer[Any, Any]) -> Layer[Any, Any]:
        row = _Row()
        rows.append(row)

        def fwd(params: object, x: Tensor) -> tuple[Any, Any]:
            with _flops(row, "back" if returning else "forward"):
                y, cache = layer.fwd(params, x)
            row.shape, row.params = str(tuple(y.shape)), sum(t.numel() for t in tree_leaves(params))
            row.kept = tree_leaves(cache)
            return y, cache

        def bwd(params: object, cache: object, dy: Tensor) -> tuple[Any, Any]:
            with _flops(row, "back"):
                return layer.bwd(params, cache, dy)

        fwd.__qualname__ = layer_name(layer)  # for errors
        return Layer(fwd, bwd)

    traced = over(cast(Rule, measured), seeded(net, 0))
    y, cache = traced.fwd(params, x)
    held = {t.untyped_storage().data_ptr() for t in tree_leaves(cache)}
    sizes = [_first_kept(row.kept, held) for row in rows]
    returning = True
    traced.bwd(params, cache, torch.ones_like(y))
    told = [(row.shape, row.params, size, row.forward, row.back) for row, size in zip(rows, sizes)]
    return _table(_names(net), told)


def _first_kept(kept: list[Tensor], held: set[int]) -> int:
    """The bytes of those tensors whose memory the net holds and no layer has counted yet."""
    total = 0
    for storage in (t.untyped_storage() for t in kept):
        if storage.data_ptr() in held:
            held.remove(storage.data_ptr())
            total += storage.nbytes()
    return total


@contextmanager
def _flops(row: _Row, which: str) -> Generator[None]:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        yield
    setattr(row, which, getattr(row, which) + counter.get_total_flops())


def _names(net: Layer[Any, Any], depth: int = 0) -> Iterator[tuple[str, bool]]:
    """The lines of the outline, and whether each is of a primitive layer."""
    made = composition(net)
    yield "  " * depth + layer_name(net), made is None
    for part in made.parts() if made else ():
        yield from _names(part, depth + 1)


def _table(names: Iterator[tuple[str, bool]], told: list[tuple[str, int, int, int, int]]) -> str:
    """The names beside the numbers, of which a composed layer has none of its own."""
    supply = iter(told)
    lines: list[tuple[str, ...]] = [("layer", "output", "params", "cache bytes", "FLOPs forward", "FLOPs backward")]
    lines += [(name, *(map(str, next(supply)) if primitive else [""] * 5)) for name, primitive in names]
    lines.append(("sum", "", *(str(sum(int(row[i]) for row in told)) for i in range(1, 5))))
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines
    )
