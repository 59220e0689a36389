"""What a mask of ones does: nothing."""

from __future__ import annotations

from pure_mlp._compile.graph import Node, is_view
from pure_mlp._compile.passes.scaled import Builder, Scaled, Value


def is_ones(node: object) -> bool:
    """Whether a node of the trace is a constant that the step makes, all ones or true; or a view of one.

    >>> from pure_mlp._compile.capture.trace import trace
    >>> import torch
    >>> x = torch.ones(3)
    >>> is_ones(trace(lambda: [torch.ones(3)], [x], []).outputs[0]), is_ones(trace(lambda: [x * 2], [x], []).outputs[0])
    (True, False)
    """
    while isinstance(node, Node) and is_view(node.op):
        node = node.args[0]
    return isinstance(node, Node) and node.args == ("made",) and node.value is not None and bool((node.value == 1).all())


def times_ones(s: Builder, node: Node) -> Value | None:
    """x times ones is x, where that has the spec of the product.

    >>> from pure_mlp._compile.passes.simplify import simplify
    >>> from pure_mlp._compile.capture.trace import trace
    >>> import torch
    >>> x = torch.ones(3)
    >>> simplify(trace(lambda: [x.exp() * torch.ones_like(x)], [x], [])).outputs[0].op
    'aten.exp.default'
    """
    for x, other in (node.args[:2], node.args[1::-1]):
        if isinstance(x, Node) and x.spec == node.spec and is_ones(other) and isinstance(s.values[x], Scaled):
            return s.values[x]
    return None


def where_ones(s: Builder, node: Node) -> Value | None:
    """`where(ones, x, y)` is x, where that has the spec of the result.

    >>> from pure_mlp._compile.passes.simplify import simplify
    >>> from pure_mlp._compile.capture.trace import trace
    >>> import torch
    >>> x = torch.ones(3)
    >>> simplify(trace(lambda: [torch.where(torch.ones(3, dtype=torch.bool), x.exp(), x)], [x], [])).outputs[0].op
    'aten.exp.default'
    """
    mask, x = node.args[:2]
    return s.values[x] if isinstance(x, Node) and x.spec == node.spec and is_ones(mask) else None
