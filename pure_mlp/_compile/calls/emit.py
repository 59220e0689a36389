"""The program as straight-line Python: calls that write into given memory, nothing else."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import torch
from torch import Tensor

from pure_mlp._compile.calls.emitter import Emitter
from pure_mlp._compile.calls.products import PRODUCTS, write_update
from pure_mlp._compile.graph import Node
from pure_mlp._compile.lowered import Lowered
from pure_mlp._compile.program import Program
from pure_mlp._compile.schema import is_view, name_of, overload


def program(lowered: Lowered, counts: array[float]) -> Program:
    """The program that calls torch and BLAS from Python."""
    run, source = _function(Emitter(lowered, counts))
    return Program(run, source, lowered.places.buffers, lowered.outputs[-1].like.dtype)


def _function(e: Emitter) -> tuple[Callable[..., Tensor | None], str]:
    """The function of the batch's tensors, which returns the loss, or None where it does not apply; and its
    source.
    """
    batch = [node for node in e.lowered.order if node.op == "batch"]
    parameters = [e.lowered.names[node] for node in sorted(batch, key=lambda node: node.slot)]
    for node in e.lowered.order:
        _print(e, node)
    for leaf in e.lowered.leaves:
        node = e.lowered.outputs[leaf.slot]
        if leaf.spec is None and node is not leaf:
            e.line(f"counts[{leaf.slot}] = {e.name(node)}")
        elif leaf.spec is not None and e.places.of.get(node) is not e.places.of[leaf]:
            e.line(f"{e.cell(f'{e.name(leaf)}_copy_', e.places.of[leaf].copy_)}({e.name(node)})")
    e.line(f"return {e.name(e.lowered.outputs[-1])}")
    lines = [*map(e.guard, batch), *e.guard_constants(), *e.numbers, *e.guard_numbers(), *e.lines]
    source = f"def step({', '.join(parameters)}):\n" + "".join(f"    {line}\n" for line in lines)
    body = source.replace("\n    ", "\n        ").rstrip()
    scope: dict[str, Callable[..., Callable[..., Tensor | None]]] = {}
    exec(f"def make({', '.join(e.cells)}):\n    {body}\n    return step\n", scope)
    return scope["make"](**e.cells), source


def _print(e: Emitter, node: Node) -> None:
    """The line of a node, if it needs one."""
    out = e.places.of.get(node)
    if out is not None:
        e.bind(node, out)
    if node.op == "batch":
        e.names[node] = e.lowered.names[node]
        shape, stride, dtype, device = node.like
        e.known[node] = torch.empty_strided(shape, stride, dtype=dtype, device=device)
    elif node.op in ("const", "gather") or (node.op == "carry" and out is not None):
        pass
    elif node.op == "carry":
        e.assign(node, f"counts[{node.slot}]", e.numbers)
    elif node.op.startswith("host."):
        e.number(node, node.op[5:])
    elif node.op == "item":
        e.assign(node, f"{e.text(node.args[0])}.item()")
    elif node.op == "getitem":
        e.assign(node, f"{e.text(node.args[0])}[{node.slot}]")
    elif is_view(node.op):
        e.view(node)
    elif out is None:
        e.assign(node, f"{e.cell(name_of(node.op), overload(node.op))}({e.arguments(node.args, node.kwargs)})")
    elif node.op in PRODUCTS:
        PRODUCTS[node.op](e, node, out)
    elif node.op == "aten.add.Tensor" and write_update(e, node, out):
        pass
    else:
        e.operation(node, out)
