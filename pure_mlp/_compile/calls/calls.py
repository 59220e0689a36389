"""An operation as a call of a function of torch's that writes into given memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from pure_mlp._compile.graph import Node
from pure_mlp._compile.outs import in_place, out_form

if TYPE_CHECKING:
    from pure_mlp._compile.calls.emit import Emitter


def call(e: Emitter, node: Node, out: Tensor) -> None:
    """Append the method that overwrites the first operand, where that lies in `out`; else the function with an `out=`.

    >>> import torch
    >>> from pure_mlp._compile.calls.emit import Emitter
    >>> from pure_mlp._compile.graph import Graph, spec_of
    >>> from pure_mlp._compile.passes.place import Places
    >>> graph, x = Graph(), torch.ones(3)
    >>> leaf = graph.add("carry", (0,), {}, spec_of(x))
    >>> node = graph.add("aten.exp.default", (leaf,), {}, spec_of(x))
    >>> emitter = Emitter(Places({leaf: x, node: torch.ones(3)}, []), [], {leaf: "w"})
    >>> emitter.emit(leaf)
    >>> emitter.bind(node, emitter.places.of[node])
    >>> call(emitter, node, emitter.places.of[node])
    >>> emitter.lines
    ['exp(w, out=g1)']
    """
    name, (first, *_) = e.names[node], (*node.args, None)
    update, form = in_place(node.op), out_form(node.op)
    if update and isinstance(first, Node) and e.places.of.get(first) is out and form is not None:
        e.method(name, out, update, node.args[1:], node.kwargs)
    elif form is not None:
        function = e.cell(node.op.split(".")[1], form.call)
        taken = {k: v for k, v in node.kwargs.items() if k in form.takes}
        e.lines.append(f"{function}({e.arguments(node.args, taken)}, {form.out}={name})")
