"""Who lives where: buffers by liveness, updates in the memory of what they update."""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor

from pure_mlp._compile.graph import Node, Spec, is_pointwise
from pure_mlp._compile.outs import has_out
from pure_mlp._compile.passes.schedule import overwritable, root


class Places(NamedTuple):
    """The tensor that holds each node which has a place of its own, and the buffers that were made for it."""

    of: dict[Node, Tensor]
    buffers: list[Tensor]


def place(order: list[Node], outputs: list[Node], leaves: list[Tensor | None], chain: dict[Node, list[Node]]) -> Places:
    """A place for every node but views, batch tensors, host numbers, and results of operations without an `out=` form.

    A dying operand gives its memory to the result where that is read element by element and no other view of it is; else a buffer
    of this spec that died before is used again. The memory of a leaf of the carry goes to its chain only. What is gathered into a
    flat buffer is computed there; new values of leaves, in the flat buffer of the old ones.

    order is the program, outputs are the new carry and the loss, leaves the tensors of the carry by their index (None for a host
    number), and chain is that of `schedule.chains`.

    >>> from pure_mlp._compile.graph import Graph, spec_of
    >>> leaf = torch.ones(3)
    >>> graph, spec = Graph(), spec_of(leaf)
    >>> x = graph.add("carry", (0,), {}, spec)
    >>> y = graph.add("aten.exp.default", (x,), {}, spec)
    >>> places = place([x, y], [y], [leaf], {x: [y]})
    >>> places.of[y] is leaf, places.buffers
    (True, [])
    """
    last = {root(a): t for t, node in enumerate(order) for a in node.operands}
    last.update((root(node), len(order)) for node in outputs if node.op != "slice")
    of: dict[Node, Tensor] = {}
    free: dict[Spec, list[Tensor]] = {}
    buffers: list[Tensor] = []
    owner = {node: leaf for leaf, nodes in chain.items() for node in nodes}
    home = {leaf: leaves[int(str(leaf.args[0]))] for leaf in chain}
    permanent = {id(leaf) for leaf in leaves}
    for node in order:
        if node.op == "gather":
            parts, starts = cast("tuple[tuple[Node, ...], tuple[int, ...]]", node.args[:2])
            old = cast("tuple[Node, ...]", node.args[2:])
            flat = leaves[int(str(old[0].args[0]))] if old else None
            if flat is None:
                flat = torch.zeros(node.like.shape, dtype=node.like.dtype, device=node.like.device)
                buffers.append(flat)
            of[node] = flat
            for part, start in zip(parts, starts):
                of[part] = flat[start : start + math.prod(part.like.shape)].view(part.like.shape)
                of.update((a, of[part]) for a in part.operands if a.op == "slice" and a.args[0] in old)
            permanent.update(map(id, (flat, *(of[part] for part in parts))))
    for t, node in enumerate(order):
        if node.op == "carry" and node.spec is not None:
            leaf = leaves[int(str(node.args[0]))]
            if leaf is not None:
                of[node] = leaf
        elif node.op == "const" and node.value is not None:
            of[node] = node.value
            permanent.add(id(node.value))
        elif node not in of and node.spec is not None and root(node) is node and node.op != "batch" and has_out(node):
            heirs = [a for a in overwritable(node) if a in of and last[a] == t and _alone(a, node, of)]
            own = home[owner[node]] if node in owner else None
            taken = [a for a in heirs if of[a] is own] or [a for a in heirs if id(of[a]) not in permanent]
            if taken:
                of[node] = of[taken[0]]
            elif free.get(node.spec):
                of[node] = free[node.spec].pop()
            else:
                shape, stride, dtype, device = node.spec
                buffers.append(torch.empty_strided(shape, stride, dtype=dtype, device=device))
                of[node] = buffers[-1]
        for a in {root(a) for a in node.operands} | {node}:
            dies = a in of and last.get(a, t) == t and id(of[a]) not in permanent
            if dies and (a is node or of.get(node) is not of[a]):
                free.setdefault(a.like, []).append(of[a])
    return Places(of, buffers)


def _alone(a: Node, node: Node, of: dict[Node, Tensor]) -> bool:
    """Whether the memory of the operand `a` is read as `a` alone, and element by element."""
    others = [b for b in node.operands if b is not a] if is_pointwise(node.op) else node.operands[1:]
    return all(of.get(root(b)) is not of[a] for b in others)
