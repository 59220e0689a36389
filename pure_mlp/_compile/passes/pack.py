"""One operation for all leaves: lanes of equal form run on flat buffers, of which the leaves and gradients are
slices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from pure_mlp._compile.graph import Graph, Node
from pure_mlp._compile.passes.lanes import Lane
from pure_mlp._compile.spec import Spec

Layout: TypeAlias = tuple[tuple[int, ...], ...]
"""For each flat buffer, the leaves of the carry in it, in order."""
_ALIGN = 16


def offsets(sizes: Sequence[int]) -> list[int]:
    """Where each slice begins, and the length of all: slices begin at multiples of 16 elements."""
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + math.ceil(size / _ALIGN) * _ALIGN)
    return starts


def layout_of(groups: Sequence[Sequence[Lane]]) -> Layout:
    """The layout that packs these groups: the k-th leaves of the lanes of a group share a buffer, and so do the
    k-th homes.
    """
    return tuple(tuple(leaf.slot for leaf in slot) for group in groups for slot in zip(*(lane.moved for lane in group)))


def pack(graph: Graph, groups: Sequence[Sequence[Lane]], count: int) -> Graph:
    """The graph on flat buffers. Its carry has the `count` leaves, of which packed ones are slices, and behind
    them the buffers.

    The outputs are the new leaves, the new buffers, and the loss.
    """
    packer = _Packer(graph, groups, count)
    for node in graph.live():
        packer.visit(node)
    before = [packer.slices.get(i) or packer.new[node] for i, node in enumerate(graph.outputs[:-1])]
    packer.graph.outputs = [*before, *packer.flat_outputs, packer.new[graph.outputs[-1]]]
    packer.graph.kept = [packer.new[node] for node in graph.kept]
    return packer.graph


class _Group(NamedTuple):
    lanes: Sequence[Lane]
    flats: list[Node]


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
            first_slot = count + len(self.flat_outputs)
            flats = [self.graph.add("carry", (), {}, spec, slot=first_slot + k) for k in range(len(group[0].moved))]
            self.flat_outputs += flats  # replaced once they are computed
            for lane, start in zip(group, starts):
                self.inside.update(lane.nodes)
                for leaf, flat in zip(lane.moved, flats):
                    part = self.graph.add("slice", (flat, start), {}, leaf.spec, slot=leaf.slot)
                    self.new[leaf] = self.slices[leaf.slot] = part
            self.last[max((lane.nodes[-1] for lane in group), key=lambda node: node.index)] = _Group(group, flats)

    def visit(self, node: Node) -> None:
        if node in self.last:
            self.compute(self.last[node])
        elif node not in self.inside and node not in self.new:
            self.new[node] = self.copy(node, self.new, node.spec)

    def compute(self, group: _Group) -> None:
        first, spec = group.lanes[0], group.flats[0].like
        flat: dict[Node, Node] = {**self.new, **dict(zip(first.leaves, group.flats))}
        homes = dict(zip(first.homes, group.flats[len(first.leaves) :]))
        for i, node in enumerate(first.given):
            parts = tuple(self.new[lane.given[i]] for lane in group.lanes)
            own = (homes[node],) if node in homes else ()
            flat[node] = self.graph.add("gather", (parts, *own), {}, spec)
        for node in first.nodes:
            flat[node] = self.copy(node, flat, spec)
        for old, leaf in zip(group.flats, first.moved):
            self.flat_outputs[self.flat_outputs.index(old)] = flat[self.outputs[leaf.slot]]

    def copy(self, node: Node, new: Mapping[Node, Node], spec: Spec | None) -> Node:
        def argument(a: object) -> object:
            return new[a] if isinstance(a, Node) else tuple(map(argument, a)) if isinstance(a, tuple) else a

        kwargs = {k: argument(a) for k, a in node.kwargs.items()}
        unique = node.op == "aten.clone.default"
        args = tuple(map(argument, node.args))
        return self.graph.add(node.op, args, kwargs, spec, unique=unique, value=node.value, slot=node.slot)
