"""Factors sink: multiplying by a number costs nothing until somebody needs the product itself.

Arithmetic on 0-dim float64 leaves becomes host numbers. x + alpha y becomes `lin`, with the factors of both sides inside; d = a - b
and the mean of d^2 share d. Dead code goes, as only what the outputs need is built again.
"""

from __future__ import annotations

from typing import cast

import torch

from pure_mlp._compile.graph import Graph, Node, is_view
from pure_mlp._compile.host import Number, host, host_form
from pure_mlp._compile.passes.rules import RULES, view
from pure_mlp._compile.passes.scaled import Builder, Scaled, Value


def simplify(traced: Graph) -> Graph:
    """The graph of the same outputs up to rounding, with `lin`, `scale`, `sqsum` and host numbers.

    >>> from pure_mlp._compile.capture.trace import trace
    >>> x = torch.ones(3, 3)
    >>> [node.op for node in simplify(trace(lambda: [x + (x * 2) @ x * 3], [x], [])).live()]
    ['carry', 'aten.mm.default', 'lin']
    """
    builder = Builder()
    for node in traced.live():
        builder.values[node] = _value(builder, node)
    slots = {node.args[0]: node for node in traced.nodes if node.op == "carry"}
    builder.graph.outputs = [_output(builder, node, slots.get(i)) for i, node in enumerate(traced.outputs)]
    return builder.graph


def _is_number(node: Node) -> bool:
    """Whether a node of the trace is 0-dim and float64."""
    return node.spec is not None and not node.spec.shape and node.spec.dtype == torch.float64


def _is_count(node: Node) -> bool:
    """Whether a node of the trace is a 0-dim float64 leaf of the carry: a host number."""
    return node.op == "carry" and _is_number(node)


def _output(b: Builder, traced: Node, slot: Node | None) -> Node:
    value = b.values[traced]
    if slot is None or not _is_count(slot):
        return b.tensor(traced)
    if isinstance(value, Scaled):
        return b.graph.add("item", (b.scaled(value),))
    return value if isinstance(value, Node) else b.graph.add("host.mul", (value, 1.0))


def _value(b: Builder, node: Node) -> Value:
    if node.op == "const" and node.args and node.value is not None and _is_number(node):
        return float(node.value.item())
    if node.op in ("carry", "batch", "const"):
        copy = b.graph.add(node.op, node.args, {}, None if _is_count(node) else node.spec, value=node.value)
        return copy if _is_count(node) else Scaled(copy, 1.0)
    number = _number(b, node)
    if number is not None:
        return number
    rule = RULES.get(node.op, view if is_view(node.op) else None)
    value = rule(b, node) if rule else None
    return Scaled(b.generic(node), 1.0) if value is None else value


def _number(b: Builder, node: Node) -> Number | None:
    """Arithmetic on numbers and host numbers alone."""
    if not _is_number(node) or not node.operands:
        return None
    form = host_form(node.op, node.args, node.kwargs)
    if form is None or any(isinstance(b.values[a], Scaled) for a in node.operands):
        return None
    name, args, alpha = form
    numbers = [cast(Number, b.values[a] if isinstance(a, Node) else a) for a in args]
    if alpha != 1:
        numbers[1] = host(b.graph, "mul", numbers[1], cast(float, alpha))
    return host(b.graph, name, *numbers)
