"""How an operation is written down that has memory for its result."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from pure_mlp.plan.gemms import faster
from pure_mlp.plan.graph import Node
from pure_mlp.plan.onednn import onednn
from pure_mlp.plan.outs import in_place, out_form

if TYPE_CHECKING:
    from pure_mlp.plan.emit import Emitter


def write(e: Emitter, node: Node, out: Tensor) -> None:
    """Append the lines that compute the node's value in `out`, the tensor of its name.

    >>> from pure_mlp.plan.emit import Emitter
    >>> from pure_mlp.plan.graph import Graph, spec_of
    >>> from pure_mlp.plan.memory import Places
    >>> graph, x = Graph(), torch.ones(3)
    >>> node = graph.add("aten.exp.default", (graph.add("carry", (0,), {}, spec_of(x)),), {}, spec_of(x))
    >>> emitter = Emitter(Places({node.operands[0]: x, node: x}, []), [], {node.operands[0]: "w"})
    >>> emitter.emit(node.operands[0])
    >>> emitter.bind(node, x)
    >>> write(emitter, node, x)
    >>> emitter.lines
    ['w_exp_()']
    """
    special = _SPECIAL.get(node.op)
    if special is not None:
        special(e, node, out)
        return
    name, (first, *_) = e.names[node], (*node.args, None)
    update, form = in_place(node.op), out_form(node.op)
    if update and isinstance(first, Node) and e.places.of.get(first) is out and form is not None:
        e.method(name, out, update, node.args[1:], node.kwargs)
    elif form is not None:
        function = e.cell(node.op.split(".")[1], form.call)
        taken = {k: v for k, v in node.kwargs.items() if k in form.takes}
        e.lines.append(f"{function}({e.arguments(node.args, taken)}, {form.out}={name})")


def _mm(e: Emitter, node: Node, out: Tensor) -> None:
    """A B s."""
    a, b, factor = cast("tuple[Node, Node, object]", (*node.args, 1.0)[:3])
    if faster(a.like, b.like, node.like, adds=False):
        _onednn(e, node, a, b, 0.0, factor)
    elif factor == 1:
        e.lines.append(f"{e.cell('mm', torch.mm)}({e.arguments((a, b), {})}, out={e.names[node]})")
    else:
        e.method(e.names[node], out, "addmm_", (a, b), {"beta": 0.0, "alpha": factor})


def _addmm(e: Emitter, node: Node, out: Tensor) -> None:
    """c beta + A B alpha: in the memory of c where that is the result's, else c is added afterwards."""
    c, a, b = cast("tuple[Node, Node, Node]", node.args)
    beta, alpha = node.kwargs.get("beta", 1.0), node.kwargs.get("alpha", 1.0)
    own = e.places.of.get(c) is out
    if faster(a.like, b.like, node.like, adds=own):
        _onednn(e, node, a, b, beta if own else 0.0, alpha)
        if not own:
            e.method(e.names[node], out, "add_", (c,), {"alpha": beta})
    elif own:
        e.method(e.names[node], out, "addmm_", (a, b), node.kwargs)
    else:
        rest = e.arguments((a, b), node.kwargs)
        e.lines.append(f"{e.cell('addmm', torch.addmm)}({_rows(e, c, out)}, {rest}, out={e.names[node]})")


def _rows(e: Emitter, c: Node, out: Tensor) -> str:
    """A bias seen as a matrix of equal rows, once and for all: otherwise each call expands it."""
    if c not in e.stable or c.like.shape == out.shape:
        return e.names[c]
    return e.cell(f"{e.names[c]}_rows", e.stable[c].expand(*out.shape))


def _onednn(e: Emitter, node: Node, a: Node, b: Node, beta: object, alpha: object) -> None:
    references = ", ".join(map(e.reference, (a, b, node)))
    e.lines.append(f"{e.cell('onednn', onednn())}({references}, {e.argument(beta)}, {e.argument(alpha)})")


def _mv(e: Emitter, node: Node, out: Tensor) -> None:
    """A x s; a number where A has one row."""
    name, (a, x, factor) = e.names[node], node.args
    if not out.shape:
        out = out.view(1)
        name = e.cell(f"{name}_1", out)
    if factor == 1:
        e.lines.append(f"{e.cell('mv', torch.mv)}({e.arguments((a, x), {})}, out={name})")
    else:
        e.method(name, out, "addmv_", (a, x), {"beta": 0.0, "alpha": factor})


def _sqsum(e: Emitter, node: Node, out: Tensor) -> None:
    name, (d, factor) = e.names[node], cast("tuple[Node, object]", (*node.args, 1.0)[:2])
    n = math.prod(d.like.shape)
    if d not in e.stable or not e.stable[d].is_contiguous():
        copy, square = e.cell(f"{name}_copy_", out.copy_), e.cell("square_sum", _square_sum)
        e.lines.append(f"{copy}({square}({e.names[d]}, {e.argument(factor)}))")
        return
    flat = e.cell(f"{e.names[d]}_flat", e.stable[d].view(n))
    row = e.cell(f"{e.names[d]}_row", e.stable[d].view(1, n))
    call = e.cell(f"{name}_addmv_", out.view(1).addmv_)
    e.lines.append(f"{call}({row}, {flat}, beta=0.0, alpha={e.argument(factor)})")


def _square_sum(d: Tensor, factor: float) -> Tensor:
    """For a tensor whose memory is not the program's."""
    return d.square().sum() * factor


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
    **dict.fromkeys(("aten.mm.default", "gemm"), _mm),
    **dict.fromkeys(("aten.clone.default", "aten._to_copy.default"), _copy),
    "aten.addmm.default": _addmm,
    "gemv": _mv,
    "sqsum": _sqsum,
    "log_sigmoid": _log_sigmoid,
    "fill": _fill,
}
