"""Move factors to where they cost nothing, make arithmetic on counts host numbers, drop dead code."""

from __future__ import annotations

import torch

from pure_mlp._compile.graph import Graph, Node
from pure_mlp._compile.numbers import Number, number, number_form
from pure_mlp._compile.operations import operation
from pure_mlp._compile.passes.builder import Builder, Scaled, Value
from pure_mlp._compile.passes.rules import view
from pure_mlp._compile.schema import is_random, is_view


def simplify(traced: Graph) -> Graph:
    """The graph of the same outputs up to rounding, with `lin`, `scale`, `rowsum`, `total`, `sqsum` and host
    numbers.
    """
    builder = Builder()
    for node in traced.live():
        builder.values[node] = _value(builder, node)
    leaves = {node.slot: node for node in traced.nodes if node.op == "carry"}
    builder.graph.outputs = [_output(builder, node, leaves.get(i)) for i, node in enumerate(traced.outputs)]
    kept = (builder.values[node] for node in traced.kept)
    builder.graph.kept = [value.node for value in kept if isinstance(value, Scaled)]
    return builder.graph


def _value(b: Builder, node: Node) -> Value:
    if node.op == "carry" and _is_count(node):
        return b.graph.add("carry", slot=node.slot)
    if node.is_number and _is_count(node) and node.value is not None:
        return float(node.value.item())
    if node.op in ("carry", "batch", "const"):
        return Scaled(b.graph.add(node.op, node.args, {}, node.spec, value=node.value, slot=node.slot), 1.0)
    count = None if is_random(node.op) else _number(b, node)
    if count is not None:
        return count
    rule = operation(node.op).rule or (view if is_view(node.op) else None)
    value = rule(b, node) if rule and node.spec is not None else None
    return Scaled(_same(b, node), 1.0) if value is None else value


def _same(b: Builder, node: Node) -> Node:
    given = b.laid_out if is_view(node.op) or is_random(node.op) else b.argument
    args, kwargs = tuple(map(given, node.args)), {k: given(a) for k, a in node.kwargs.items()}
    return b.graph.add(node.op, args, kwargs, node.spec, slot=node.slot)


def _is_count(node: Node) -> bool:
    """Whether a node of the trace is 0-dim and float64: a number, where the carry has it."""
    return node.spec is not None and not node.spec.shape and node.spec.dtype == torch.float64


def _number(b: Builder, node: Node) -> Number | None:
    """Arithmetic on numbers and host numbers alone."""
    form = number_form(node.op, node.args, node.kwargs) if _is_count(node) and node.operands else None
    if form is None or any(isinstance(b.values[a], Scaled) for a in node.operands):
        return None
    name, args, alpha = form
    plain: list[Number | None] = []
    for a in (b.values[a] if isinstance(a, Node) else a for a in args):
        if a is None or isinstance(a, (int, float, Node)):
            plain.append(float(a) if isinstance(a, int) else a)
    if len(plain) != len(args) or not isinstance(alpha, (int, float)):
        return None
    if alpha != 1:
        plain[1] = b.times(*(a for a in (plain[1], alpha) if a is not None))
    return number(b.graph, name, *plain)


def _output(b: Builder, traced: Node, leaf: Node | None) -> Node:
    value = b.values[traced]
    if leaf is None or not _is_count(leaf):
        return b.tensor(traced)
    if isinstance(value, Scaled):
        return b.graph.add("item", (b.tensor(traced),))
    return value if isinstance(value, Node) else b.graph.add("host.mul", (value, 1.0))
