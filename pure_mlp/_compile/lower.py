"""The step ready to be printed, in whatever language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from torch import Tensor

from pure_mlp._compile.graph import Graph, Node
from pure_mlp._compile.passes.place import Places, place
from pure_mlp._compile.passes.schedule import chains, schedule


class Lowered(NamedTuple):
    """Nodes in the order of the program, where each lives, and what to call it.

    outputs are the new leaves of the carry, by index, and the loss; slots are the old leaves that the program reads or writes.
    """

    order: list[Node]
    outputs: list[Node]
    slots: list[Node]
    places: Places
    names: dict[Node, str]


def lower(graph: Graph, leaves: Sequence[Tensor], carry: Sequence[str], batch: Sequence[str]) -> Lowered:
    """The graph in order and in memory. leaves are the tensors of the carry, which keep their memory; the others are its names.

    >>> from pure_mlp._compile.graph import spec_of
    >>> import torch
    >>> graph, leaf = Graph(), torch.ones(3)
    >>> x = graph.add("carry", (0,), {}, spec_of(leaf))
    >>> graph.outputs = [graph.add("aten.exp.default", (x,), {}, spec_of(leaf))]
    >>> lowered = lower(graph, [leaf], ["w"], [])
    >>> [node.op for node in lowered.order], lowered.names[x], lowered.places.of[graph.outputs[0]] is leaf
    (['carry', 'aten.exp.default'], 'w', True)
    """
    live = graph.live()
    slots = sorted((node for node in live if node.op == "carry"), key=_number)
    chain = chains(graph, live)
    order = schedule(live, chain)
    places = place(order, graph.outputs, cast("list[Tensor | None]", [*leaves]), chain)
    names = dict(zip([node for node in live if node.op == "batch"], batch))
    names |= {node: carry[int(str(node.args[-1]))] for node in live if node.op in ("carry", "slice")}
    return Lowered(order, graph.outputs, slots, places, names)


def _number(node: Node) -> int:
    return int(str(node.args[0]))
