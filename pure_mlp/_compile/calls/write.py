"""How an operation is written down that has memory for its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pure_mlp._compile.calls.calls import call
from pure_mlp._compile.calls.products import PRODUCTS
from pure_mlp._compile.calls.vectors import VECTORS
from pure_mlp._compile.graph import Node

if TYPE_CHECKING:
    from pure_mlp._compile.calls.emit import Emitter


def write(e: Emitter, node: Node, out: Tensor) -> None:
    """Append the lines that compute the node's value in `out`, the tensor of its name.

    >>> from pure_mlp._compile.calls.emit import Emitter
    >>> from pure_mlp._compile.graph import Graph, spec_of
    >>> from pure_mlp._compile.passes.place import Places
    >>> graph, x = Graph(), torch.ones(3)
    >>> node = graph.add("aten.exp.default", (graph.add("carry", (0,), {}, spec_of(x)),), {}, spec_of(x))
    >>> emitter = Emitter(Places({node.operands[0]: x, node: x}, []), [], {node.operands[0]: "w"})
    >>> emitter.emit(node.operands[0])
    >>> emitter.bind(node, x)
    >>> write(emitter, node, x)
    >>> emitter.lines
    ['w_exp_()']
    """
    _SPECIAL.get(node.op, call)(e, node, out)


def _log_sigmoid(e: Emitter, node: Node, out: Tensor) -> None:
    """The operation has a second output, which nobody reads; one buffer of each spec serves all."""
    forward = e.cell("log_sigmoid_forward", torch.ops.aten.log_sigmoid_forward.output)
    shape = "_".join(map(str, out.shape))
    scratch = f"scratch_{shape}" if out.dtype == torch.float32 else f"scratch_{shape}_{out.dtype}".replace("torch.", "")
    if scratch not in e.cells:
        e.places.buffers.append(torch.empty_like(out))
        e.cells[scratch] = e.places.buffers[-1]
    e.lines.append(f"{forward}({e.argument(node.args[0])}, output={e.names[node]}, buffer={scratch})")


def _fill(e: Emitter, node: Node, out: Tensor) -> None:
    e.method(e.names[node], out, "fill_", node.args, {})


def _copy(e: Emitter, node: Node, out: Tensor) -> None:
    e.method(e.names[node], out, "copy_", node.args[:1], {})


_SPECIAL: dict[str, Callable[[Emitter, Node, Tensor], None]] = {
    **PRODUCTS,
    **VECTORS,
    **dict.fromkeys(("aten.clone.default", "aten._to_copy.default"), _copy),
    "log_sigmoid": _log_sigmoid,
    "fill": _fill,
}
