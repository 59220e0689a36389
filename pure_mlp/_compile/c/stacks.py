"""Stacks of nets: all operations on one net, then on the next, so that a net's data stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pure_mlp._compile.c.arrays import Array
from pure_mlp._compile.c.elements import is_element
from pure_mlp._compile.graph import Node
from pure_mlp._compile.lowered import Lowered
from pure_mlp._compile.schema import is_view, name_of

_BATCHED = ("aten.bmm.default", "aten.baddbmm.default")
_ALONG = ("aten.sum.dim_IntList", "aten.mean.dim", "aten._softmax.default", "aten._log_softmax.default")
"""Operations along axes, none of which may be the first one."""


def sections(nodes: Sequence[Node], arrays: Mapping[Node, Array]) -> Iterator[tuple[int, list[Node]]]:
    """The nodes in order, cut into runs, each with the size of the axis that a loop may run over, or 1 for no
    loop.
    """
    run: list[Node] = []
    for node in nodes:
        if run and not (size_of(node, arrays) == size_of(run[0], arrays) > 1 and _apart([*run, node], arrays)):
            yield _section(run, arrays)
            run = []
        run.append(node)
    if run:
        yield _section(run, arrays)


def size_of(node: Node, arrays: Mapping[Node, Array]) -> int:
    """The size of the first axis if each slice of the result depends on that slice of the operands alone, else 1."""
    given, out = [arrays[a] for a in node.operands if a in arrays], arrays.get(node)
    if out is None or not out.shape:
        return 1
    size, rank = out.shape[0], len(out.shape)
    if is_element(node) and name_of(node.op) != "binary_cross_entropy":  # which stops the step outside [0, 1]
        return size if all(not x.shape or (len(x.shape) == rank and x.shape[0] in (1, size)) for x in given) else 1
    if node.op in _BATCHED:
        return size if all(len(x.shape) == 3 and x.shape[0] in (1, size) for x in given) else 1
    whole = len(given[0].shape) if given else 0
    axes = node.args[1] if len(node.args) > 1 else None
    axes = axes if isinstance(axes, tuple) else (axes,)
    along = node.op in _ALONG and all(isinstance(a, int) and a % whole for a in axes) and bool(axes)
    return size if along and given[0].shape[0] == size else 1


def part(x: Array, size: int, near: bool) -> Array:
    """The slice of an array at index e of a stack; `near`: every index uses the same memory."""
    if not x.shape:
        return x
    step = 0 if near or x.shape[0] != size else x.stride[0]
    name = f"({x.name} + {step}*e)" if step else x.name
    return x._replace(name=name, shape=x.shape[1:], stride=x.stride[1:])


def passing(run: Sequence[Node], lowered: Lowered, arrays: Mapping[Node, Array]) -> set[str]:
    """The buffers that this run alone writes and reads: nothing in them is needed after the index that wrote it."""
    inside, buffers = {*run}, {id(t) for t in lowered.places.buffers}
    own = {arrays[node].name for node in run if id(lowered.places.of.get(node)) in buffers}
    others = [node for node in lowered.order if node not in inside and not is_view(node.op)]
    read = [*lowered.outputs, *(a for node in others for a in (node, *node.operands))]
    return own - {arrays[node].name for node in read if node in arrays}


def _section(run: list[Node], arrays: Mapping[Node, Array]) -> tuple[int, list[Node]]:
    return size_of(run[0], arrays) if any(node.op in _BATCHED for node in run) else 1, run


def _apart(run: Sequence[Node], arrays: Mapping[Node, Array]) -> bool:
    """Whether index e of the loop touches no memory that the last node or the run writes at another index."""
    last = [arrays[a] for a in (run[-1], *run[-1].operands) if a in arrays]
    every = [arrays[a] for node in run for a in (node, *node.operands) if a in arrays]
    written = [arrays[node] for node in run]
    pairs = [(x, y) for x in written for y in last] + [(last[0], y) for y in every]
    return all(_aligned(x, y) for x, y in pairs if x.overlaps(y))


def _aligned(x: Array, y: Array) -> bool:
    """Whether slice e of one array overlaps slice e of the other alone."""
    spans = [sum((n - 1) * s for n, s in zip(a.shape[1:], a.stride[1:])) for a in (x, y)]
    return (x.offset, x.stride[:1], x.shape[:1]) == (y.offset, y.stride[:1], y.shape[:1]) and max(spans) < x.stride[0]
