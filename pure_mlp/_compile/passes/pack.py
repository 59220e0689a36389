"""One operation for all leaves: lanes of equal form run on flat buffers, of which the leaves and gradients are slices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from pure_mlp._compile.graph import Graph, Node, Spec, is_random
from pure_mlp._compile.passes.lanes import Lane, lanes

Layout: TypeAlias = tuple[tuple[int, ...], ...]
"""Which leaves of the carry lie behind one another, for each flat buffer."""
_ALIGN = 16


def offsets(sizes: Sequence[int]) -> list[int]:
    """Where each slice begins, and the length of all: slices begin at multiples of 16 elements.

    >>> offsets([3, 20])
    [0, 16, 48]
    """
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + math.ceil(size / _ALIGN) * _ALIGN)
    return starts


def layout_of(groups: Sequence[Sequence[Lane]]) -> Layout:
    """The layout that packs these groups: the k-th leaves of the lanes of a group share a buffer, and so do the k-th homes.

    >>> from pure_mlp._compile.graph import spec_of
    >>> graph, spec = Graph(), spec_of(torch.ones(3))
    >>> leaves = [graph.add("carry", (i,), {}, spec) for i in (0, 1)]
    >>> graph.outputs = [graph.add("aten.exp.default", (leaf,), {}, spec) for leaf in leaves]
    >>> layout_of(groups_of(graph))
    ((0, 1),)
    """
    return tuple(tuple(int(str(leaf.args[0])) for leaf in slot) for group in groups for slot in zip(*map(_moved, group)))


def _moved(lane: Lane) -> list[Node]:
    """The leaves that move into flat buffers."""
    return [*lane.leaves, *lane.homes.values()]


def groups_of(graph: Graph) -> list[list[Lane]]:
    """The lanes of equal form together, where there are two at least.

    >>> from pure_mlp._compile.graph import spec_of
    >>> graph, spec = Graph(), spec_of(torch.ones(3))
    >>> leaves = [graph.add("carry", (i,), {}, spec) for i in (0, 1)]
    >>> graph.outputs = [graph.add("aten.exp.default", (leaf,), {}, spec) for leaf in leaves]
    >>> [len(group) for group in groups_of(graph)]
    [2]
    """
    forms: dict[object, list[Lane]] = {}
    found = lanes(graph)
    given = Counter(a for lane in found for a in lane.given)
    for lane in found:
        if any(given[a] > 1 for a in lane.given):
            continue  # two leaves with one gradient: it cannot lie in two places
        forms.setdefault(lane.form, []).append(lane)
    return [group for group in forms.values() if len(group) > 1]


def flatten(leaves: list[Tensor], layout: Layout) -> list[Tensor]:
    """Move the leaves into flat buffers, in place of themselves in the list; returns the buffers.

    >>> leaves = [torch.ones(2), torch.zeros(3)]
    >>> flats = flatten(leaves, ((0, 1),))
    >>> flats[0].shape, leaves[0].data_ptr() == flats[0].data_ptr()
    (torch.Size([32]), True)
    """
    flats = []
    for slots in layout:
        starts = offsets([leaves[i].numel() for i in slots])
        like = leaves[slots[0]]
        flats.append(torch.zeros(starts[-1], dtype=like.dtype, device=like.device))
        for i, start in zip(slots, starts):
            part = flats[-1][start : start + leaves[i].numel()].view(leaves[i].shape)
            leaves[i] = part.copy_(leaves[i])
    return flats


def pack(graph: Graph, groups: Sequence[Sequence[Lane]], count: int) -> Graph:
    """The graph on flat buffers. Its carry has the `count` leaves, of which packed ones are slices, and behind them the buffers.

    groups are those of `groups_of(graph)`. The outputs are the new leaves, the new buffers, and the loss.

    >>> from pure_mlp._compile.graph import spec_of
    >>> graph, spec = Graph(), spec_of(torch.ones(3))
    >>> leaves = [graph.add("carry", (i,), {}, spec) for i in (0, 1)]
    >>> graph.outputs = [graph.add("aten.exp.default", (leaf,), {}, spec) for leaf in leaves]
    >>> graph.outputs.append(graph.add("batch", (0,), {}, spec))
    >>> [node.op for node in pack(graph, groups_of(graph), 2).outputs]
    ['slice', 'slice', 'aten.exp.default', 'batch']
    """
    packer = _Packer(graph, groups, count)
    for node in graph.live():
        packer.visit(node)
    before = [packer.slices.get(i) or packer.new[node] for i, node in enumerate(graph.outputs[:-1])]
    packer.graph.outputs = [*before, *packer.flat_outputs, packer.new[graph.outputs[-1]]]
    return packer.graph


class _Group(NamedTuple):
    lanes: Sequence[Lane]
    flats: list[Node]
    starts: list[int]


class _Packer:
    def __init__(self, graph: Graph, groups: Sequence[Sequence[Lane]], count: int) -> None:
        self.graph = Graph()
        self.outputs = graph.outputs
        self.new: dict[Node, Node] = {}
        self.slices: dict[int, Node] = {}
        self.flat_outputs: list[Node] = []
        self.last: dict[Node, _Group] = {}
        self.inside: set[Node] = set()
        for group in groups:
            starts = offsets([math.prod(lane.nodes[0].like.shape) for lane in group])
            first = group[0].nodes[0].like
            spec = Spec((starts[-1],), (1,), first.dtype, first.device)
            flats = [self.graph.add("carry", (count + len(self.flat_outputs) + k,), {}, spec) for k in range(len(_moved(group[0])))]
            self.flat_outputs += flats  # replaced once they are computed
            for lane, start in zip(group, starts):
                self.inside.update(lane.nodes)
                for leaf, flat in zip(_moved(lane), flats):
                    index = int(str(leaf.args[0]))
                    self.new[leaf] = self.slices[index] = self.graph.add("slice", (flat, start, index), {}, leaf.spec)
            self.last[max((lane.nodes[-1] for lane in group), key=lambda node: node.index)] = _Group(group, flats, starts)

    def visit(self, node: Node) -> None:
        if node in self.last:
            self.compute(self.last[node])
        elif node not in self.inside and node not in self.new:
            args, kwargs = self.arguments(node.args, self.new), {k: self.argument(a, self.new) for k, a in node.kwargs.items()}
            unique = is_random(node.op) or node.op == "aten.clone.default"
            self.new[node] = self.graph.add(node.op, args, kwargs, node.spec, unique=unique, value=node.value)

    def compute(self, group: _Group) -> None:
        first, spec = group.lanes[0], group.flats[0].like
        flat: dict[Node, Node] = {**self.new, **dict(zip(first.leaves, group.flats))}
        homes = dict(zip(first.homes, group.flats[len(first.leaves) :]))
        for i, node in enumerate(first.given):
            parts = tuple(self.new[lane.given[i]] for lane in group.lanes)
            own = (homes[node],) if node in homes else ()
            flat[node] = self.graph.add("gather", (parts, tuple(group.starts), *own), {}, spec)
        for node in first.nodes:
            kwargs = {k: self.argument(a, flat) for k, a in node.kwargs.items()}
            flat[node] = self.graph.add(node.op, self.arguments(node.args, flat), kwargs, spec)
        for old, leaf in zip(group.flats, _moved(first)):
            self.flat_outputs[self.flat_outputs.index(old)] = flat[self.outputs[int(str(leaf.args[0]))]]

    def argument(self, a: object, new: Mapping[Node, Node]) -> object:
        return new[a] if isinstance(a, Node) else self.arguments(a, new) if isinstance(a, tuple) else a

    def arguments(self, args: tuple[object, ...], new: Mapping[Node, Node]) -> tuple[object, ...]:
        return tuple(self.argument(a, new) for a in args)
