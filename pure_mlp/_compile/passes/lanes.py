"""Lanes: the same elementwise update, leaf after leaf."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import NamedTuple

from pure_mlp._compile.calls.outs import has_out
from pure_mlp._compile.graph import Graph, Node
from pure_mlp._compile.operations import is_elementwise, overwritable
from pure_mlp._compile.schema import is_random, is_view


class Lane(NamedTuple):
    """The elementwise nodes of one shape that update some leaves of the carry, and nothing outside reads; in order.

    leaves are those leaves and given the other tensors they read (gradients), each in the order of first use.
    homes are the leaves whose new values are among the given (momenta), by these: each is computed in the
    memory of its old value. Lanes of equal form compute the same function of their leaves and given tensors.
    """

    nodes: list[Node]
    leaves: list[Node]
    given: list[Node]
    homes: dict[Node, Node]
    form: object

    @property
    def moved(self) -> list[Node]:
        """The leaves that move into flat buffers."""
        return [*self.leaves, *self.homes.values()]


def lane_groups(graph: Graph) -> list[list[Lane]]:
    """The lanes of equal form together, where there are two at least."""
    found = _lanes(graph)
    given = Counter(a for lane in found for a in lane.given)
    forms: dict[object, list[Lane]] = {}
    for lane in found:
        if all(given[a] == 1 for a in lane.given):  # two leaves with one gradient: it cannot lie in two places
            forms.setdefault(lane.form, []).append(lane)
    return [group for group in forms.values() if len(group) > 1]


def _lanes(graph: Graph) -> list[Lane]:
    live = graph.live()
    component: dict[Node, list[Node]] = {}
    for node in live:
        elementwise = is_elementwise(node.op) and not is_random(node.op) and node.op != "aten.clone.default"
        if elementwise and node.spec is not None and node.spec.shape:
            touched = {id(component[a]): component[a] for a in node.operands if a in component and a.spec == node.spec}
            joined = [node, *chain.from_iterable(touched.values())]
            component.update((a, joined) for a in joined)
    readers = Counter(a for node in live for a in node.operands)
    slots: dict[Node, list[int]] = {}
    for i, node in enumerate(graph.outputs):
        slots.setdefault(node, []).append(i)
    unique = {id(nodes): sorted(nodes, key=lambda node: node.index) for nodes in component.values()}
    found = [_lane(graph, nodes, readers, slots) for nodes in unique.values()]
    return [lane for lane in found if lane is not None]


def _lane(graph: Graph, nodes: list[Node], readers: Counter[Node], slots: dict[Node, list[int]]) -> Lane | None:
    spec, place = nodes[0].like, {node: i for i, node in enumerate(nodes)}
    inside = Counter(a for node in nodes for a in node.operands if a in place)
    leaves: list[Node] = []
    given: list[Node] = []

    def operand(a: object) -> object:
        if not isinstance(a, Node):
            return tuple(map(operand, a)) if isinstance(a, tuple) else (type(a), repr(a))
        if a in place:
            return "own", place[a]
        if a.spec is None or not a.spec.shape:
            return a
        kind = leaves if a.op == "carry" else given
        if a not in kind:
            kind.append(a)
        return "leaf" if a.op == "carry" else "given", kind.index(a), _home(a, slots, readers) is not None

    form = [(n.op, operand(n.args), operand(tuple(n.kwargs.items()))) for n in nodes]
    results = [graph.outputs[leaf.slot] for leaf in leaves]
    outputs = [node for node in nodes if node in slots]
    closed = all(inside[node] == readers[node] for node in nodes) and set(results) == set(outputs) and len(outputs) == len(results)
    homes = {a: home for a in given if (home := _home(a, slots, readers)) is not None}
    moving = all(_can_move(a) and (a in homes or a not in slots) for a in given)
    if not outputs or not closed or not moving or not spec.dense or any(a.spec != spec for a in (*leaves, *given)):
        return None
    return Lane(nodes, leaves, given, homes, (tuple(form), tuple(place[node] for node in results), spec.dtype, spec.device))


def _can_move(a: Node) -> bool:
    """Whether a value can be computed anywhere: it is neither given from outside nor a view."""
    return a.op not in ("batch", "const", "getitem") and not is_view(a.op) and has_out(a)


def _home(a: Node, slots: dict[Node, list[int]], readers: Counter[Node]) -> Node | None:
    """The leaf of the carry whose new value this is, if nothing else reads the old one, and the new one may
    overwrite it.
    """
    own = [leaf for leaf in overwritable(a) if leaf.op == "carry" and [leaf.slot] == slots.get(a) and readers[leaf] == 1]
    return own[0] if own else None
