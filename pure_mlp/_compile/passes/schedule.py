"""The order of the program: that of the step, except that an update in place waits for the other readers of the
old value.
"""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import pairwise

from pure_mlp._compile.graph import Graph, Node, root
from pure_mlp._compile.operations import may_raise, overwritable
from pure_mlp._compile.schema import is_random, is_view


def separate(graph: Graph) -> Graph:
    """The graph with a copy wherever an output is an input (other than the leaf of its own place), a view, or
    another output.

    The outputs of the given graph are replaced; host numbers stay.
    """
    seen: set[Node] = set()
    for i, node in enumerate(graph.outputs):
        own = node.op == "carry" and node.slot == i
        shared = root(node).op in ("carry", "batch", "const") or root(node) is not node or node in seen
        if node.spec is not None and shared and not own:
            graph.outputs[i] = graph.add("aten.clone.default", (node,), {}, node.spec.fresh, unique=True)
        seen.add(graph.outputs[i])
    return graph


def chains(graph: Graph, live: list[Node]) -> dict[Node, list[Node]]:
    """For each leaf of the carry the nodes that may compute its new value in its own memory, in order; none if
    there are none.
    """
    readers = Counter(a for node in live for a in node.operands)

    def down(node: Node, leaf: Node) -> list[Node]:
        for a in overwritable(node):
            above = [] if a is leaf else down(a, leaf) if readers[a] == 1 and a not in graph.outputs else None
            if a is leaf or above:
                return [*(above or []), node]
        return []

    leaves = [node for node in live if node.op == "carry" and node.spec is not None]
    return {leaf: down(graph.outputs[leaf.slot], leaf) for leaf in leaves if graph.outputs[leaf.slot] is not leaf}


def schedule(live: list[Node], chain: dict[Node, list[Node]]) -> list[Node]:
    """The nodes in an order in which operands come first, random draws as in the step, chains after the leaf's
    other readers.

    Host numbers come as early as they can, and what may raise before what changes the carry: a step that fails
    has changed nothing. Where two waits contradict each other, the older node goes first: its chain will
    compute elsewhere.
    """
    before: dict[Node, set[Node]] = {node: set(node.operands) for node in live}
    for earlier, later in pairwise(node for node in live if is_random(node.op)):
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
    homing = {part for node in live if node.op == "gather" and len(node.args) > 1 for part in node.operands[:-1]}
    raising = _with_operands([node for node in live if may_raise(node.op)])
    for node in (chained | homing) - raising:
        wishes[node] |= raising

    rank: dict[Node, tuple[int, int]] = {}
    for node in live:
        made = [rank[a][0] for a in node.operands if a.op not in ("carry", "batch", "const")]
        early = -1 if node.spec is None and node.op != "item" else node.index
        rank[node] = (max(made) if made and node in chained else early), node.index
    return _topological(live, before, wishes, rank)


def _with_operands(nodes: list[Node]) -> set[Node]:
    """The nodes and all that they are computed from."""
    found: set[Node] = set()
    waiting = [*nodes]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += node.operands
    return {node for node in found if node.op not in ("carry", "batch", "const")}


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
