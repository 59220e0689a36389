"""The order of the program: that of the step, except that an update in place waits for the other readers of the old value."""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import pairwise

from pure_mlp._compile.graph import Graph, Node, is_pointwise, is_random, is_view

CARRIES_FIRST = {"aten.addmm.default", "aten.addmv.default", "aten.baddbmm.default"}
"""Operations that may overwrite their first operand, though not elementwise."""


def root(node: Node) -> Node:
    """The node whose memory a view shows; any other node itself.

    >>> x = Graph().add("carry", (0,))
    >>> root(Graph().add("aten.t.default", (x,))) is x, root(x) is x
    (True, True)
    """
    while is_view(node.op) or node.op == "getitem":
        node = node.operands[0]
    return node


def overwritable(node: Node) -> list[Node]:
    """The operands whose memory the result may take: of its shape, strides and dtype, read element by element.

    >>> from pure_mlp._compile.graph import spec_of
    >>> import torch
    >>> graph, spec = Graph(), spec_of(torch.ones(3))
    >>> x = graph.add("carry", (0,), {}, spec)
    >>> overwritable(graph.add("aten.exp.default", (x,), {}, spec)) == [x]
    True
    >>> overwritable(graph.add("aten.cumsum.default", (x, 0), {}, spec))
    []
    """
    operands = node.operands if is_pointwise(node.op) else node.operands[:1] if node.op in CARRIES_FIRST else []
    return [a for a in dict.fromkeys(operands) if a.spec == node.spec and a.spec is not None]


def separate(graph: Graph) -> Graph:
    """The graph with a copy wherever an output is an input (other than the leaf of its own place), a view, or another output.

    The outputs of the given graph are replaced; host numbers stay.

    >>> from pure_mlp._compile.graph import spec_of
    >>> import torch
    >>> graph, spec = Graph(), spec_of(torch.ones(3))
    >>> x = graph.add("carry", (0,), {}, spec)
    >>> graph.outputs = [x, x]
    >>> [node.op for node in separate(graph).outputs]
    ['carry', 'aten.clone.default']
    """
    seen: set[Node] = set()
    for i, node in enumerate(graph.outputs):
        own = node.op == "carry" and node.args[0] == i
        shared = root(node).op in ("carry", "batch", "const") or root(node) is not node or node in seen
        if node.spec is not None and shared and not own:
            graph.outputs[i] = graph.add("aten.clone.default", (node,), {}, node.spec, unique=True)
        seen.add(graph.outputs[i])
    return graph


def chains(graph: Graph, live: list[Node]) -> dict[Node, list[Node]]:
    """For each leaf of the carry the nodes that may compute its new value in its own memory, in order; none if there are none.

    >>> from pure_mlp._compile.graph import spec_of
    >>> import torch
    >>> graph, spec = Graph(), spec_of(torch.ones(3))
    >>> x = graph.add("carry", (0,), {}, spec)
    >>> graph.outputs = [graph.add("aten.exp.default", (x,), {}, spec)]
    >>> chains(graph, graph.live()) == {x: graph.outputs}
    True
    """
    readers = Counter(a for node in live for a in node.operands)

    def down(node: Node, leaf: Node) -> list[Node]:
        for a in overwritable(node):
            above = [] if a is leaf else down(a, leaf) if readers[a] == 1 and a not in graph.outputs else None
            if a is leaf or above:
                return [*(above or []), node]
        return []

    leaves = {node.args[0]: node for node in live if node.op == "carry" and node.spec is not None}
    return {leaf: down(graph.outputs[int(str(i))], leaf) for i, leaf in leaves.items() if graph.outputs[int(str(i))] is not leaf}


def schedule(live: list[Node], chain: dict[Node, list[Node]]) -> list[Node]:
    """The nodes in an order in which operands come first, random draws as in the step, chains after the leaf's other readers.

    Where two waits contradict each other, the older node goes first: its chain will compute elsewhere.

    >>> from pure_mlp._compile.graph import spec_of
    >>> import torch
    >>> graph, spec = Graph(), spec_of(torch.ones(3))
    >>> x = graph.add("carry", (0,), {}, spec)
    >>> new = graph.add("aten.exp.default", (x,), {}, spec)
    >>> other = graph.add("aten.neg.default", (x,), {}, spec)
    >>> schedule([x, new, other], {x: [new]}) == [x, other, new]
    True
    """
    before: dict[Node, set[Node]] = {node: set(node.operands) for node in live}
    draws = [node for node in live if is_random(node.op)]
    for earlier, later in pairwise(draws):
        before[later].add(earlier)
    readers: dict[Node, list[Node]] = {}
    for node in live:
        for a in {root(a) for a in node.operands}:
            readers.setdefault(a, []).append(node)
    wishes: dict[Node, set[Node]] = {node: set() for node in live}
    for leaf, nodes in chain.items():
        for node in nodes:
            wishes[node].update(r for r in readers.get(leaf, ()) if r not in nodes and not is_view(r.op))
    chained = {node for nodes in chain.values() for node in nodes}

    rank: dict[Node, tuple[int, int]] = {}
    for node in live:
        made = [rank[a][0] for a in node.operands if a.op not in ("carry", "batch", "const")]
        rank[node] = (max(made) if made and node in chained else node.index), node.index
    return _topological(live, before, wishes, rank)


def _topological(
    live: list[Node], hard: dict[Node, set[Node]], soft: dict[Node, set[Node]], rank: dict[Node, tuple[int, int]]
) -> list[Node]:
    after: dict[Node, list[Node]] = {node: [] for node in live}
    missing = {node: len(hard[node] | soft[node]) for node in live}
    needed = {node: len(hard[node]) for node in live}
    for node in live:
        for a in hard[node] | soft[node]:
            after[a].append(node)
    ready = [(rank[node], node.index, node) for node in live if not missing[node]]
    heapq.heapify(ready)
    order: list[Node] = []
    placed: set[Node] = set()
    while len(order) < len(live):
        oldest = (node for node in live if node not in placed and not needed[node])
        node = heapq.heappop(ready)[2] if ready else next(oldest)
        if node in placed:
            continue
        placed.add(node)
        order.append(node)
        for later in after[node]:
            missing[later] -= 1
            needed[later] -= node in hard[later]
            if not missing[later] and later not in placed:
                heapq.heappush(ready, (rank[later], later.index, later))
    return order
