"""Assign memory: buffers by liveness, updates in the memory of what they update."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pure_mlp._compile.calls.outs import has_out
from pure_mlp._compile.graph import Node, Unplannable, root
from pure_mlp._compile.operations import is_elementwise, overwritable
from pure_mlp._compile.passes.pack import offsets
from pure_mlp._compile.spec import Spec


class Places(NamedTuple):
    """The tensor that holds each node which has a place of its own, and the buffers that were made for it."""

    of: dict[Node, Tensor]
    buffers: list[Tensor]


def place(order: list[Node], outputs: list[Node], leaves: Sequence[Tensor], chain: dict[Node, list[Node]]) -> Places:
    """A place for every node but views, batch tensors, host numbers, and results of operations without an
    `out=` form.

    The result takes the memory of an operand that nothing reads later, if it is read elementwise and by no other
    view; else that of a free buffer of its spec. The memory of a leaf of the carry goes to its chain only. What is
    gathered into a flat buffer is computed there; new values of leaves, in the flat buffer of the old ones.

    order is the program, outputs are the new carry and the loss, leaves the tensors of the carry by their slot,
    and chain is that of `schedule.chains`.
    """
    last = {root(a): t for t, node in enumerate(order) for a in node.operands}
    last.update((root(node), len(order)) for node in outputs if node.op != "slice")
    places = Places({}, [])
    permanent = {id(leaf) for leaf in leaves} | _gathered(order, leaves, places)
    free: dict[Spec, list[Tensor]] = {}
    owner = {node: leaves[leaf.slot] for leaf, nodes in chain.items() for node in nodes}
    of = places.of
    for t, node in enumerate(order):
        if node.op == "carry" and node.spec is not None:
            of[node] = leaves[node.slot]
        elif node.op == "const" and node.value is not None:
            of[node] = node.value
            permanent.add(id(node.value))
        elif node not in of and node.spec is not None and root(node) is node and node.op != "batch" and has_out(node):
            heirs = [a for a in overwritable(node) if a in of and last[a] == t and _alone(a, node, of)]
            own = owner.get(node)
            taken = [a for a in heirs if of[a] is own] or [a for a in heirs if id(of[a]) not in permanent]
            of[node] = of[taken[0]] if taken else _buffer(node.like, free, places.buffers)
        for a in {root(a) for a in node.operands} | {node}:
            dies = a in of and last.get(a, t) == t and id(of[a]) not in permanent
            if dies and (a is node or of.get(node) is not of[a]):
                free.setdefault(a.like, []).append(of[a])
    return places


def _gathered(order: list[Node], leaves: Sequence[Tensor], places: Places) -> set[int]:
    """Place what is gathered; returns the ids of tensors whose memory no other value gets."""
    permanent: set[int] = set()
    for node in order:
        if node.op != "gather":
            continue
        home = node.node(1) if len(node.args) > 1 else None
        parts = node.operands if home is None else node.operands[:-1]
        flat = torch.zeros(node.like.shape, dtype=node.like.dtype, device=node.like.device) if home is None else leaves[home.slot]
        if home is None:
            places.buffers.append(flat)
        places.of[node] = flat
        for part, start in zip(parts, offsets([math.prod(part.like.shape) for part in parts])):
            places.of[part] = flat[start : start + math.prod(part.like.shape)].view(part.like.shape)
            places.of.update((a, places.of[part]) for a in part.operands if a.op == "slice" and a.args[0] is home)
            permanent.add(id(places.of[part]))
        permanent.add(id(flat))
    return permanent


def _buffer(spec: Spec, free: dict[Spec, list[Tensor]], buffers: list[Tensor]) -> Tensor:
    if free.get(spec):
        return free[spec].pop()
    if spec != spec.fresh:
        raise Unplannable(f"a result of shape {spec.shape} has strides {spec.stride}, which leave gaps or overlap")
    buffers.append(torch.empty_strided(spec.shape, spec.stride, dtype=spec.dtype, device=spec.device))
    return buffers[-1]


def _alone(a: Node, node: Node, of: dict[Node, Tensor]) -> bool:
    """Whether the memory of the operand `a` is read as `a` alone, and element by element."""
    others = [b for b in node.operands if b is not a] if is_elementwise(node.op) else node.operands[1:]
    return all(of.get(root(b)) is not of[a] for b in others)
