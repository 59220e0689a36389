"""How products of a matrix and a vector are written down, which are sums of rows, of all elements, and of squares."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from pure_mlp._compile.calls.blas import LETTER, Operand, fits, gemv, routine
from pure_mlp._compile.calls.calls import call
from pure_mlp._compile.calls.subroutine import Scales, addressable, number, place, subroutine
from pure_mlp._compile.graph import Node, Spec

if TYPE_CHECKING:
    from pure_mlp._compile.calls.emit import Emitter


def _mv(e: Emitter, node: Node, out: Tensor) -> None:
    """A x s; a number where A has one row."""
    name, (a, x, factor) = e.names[node], cast("tuple[Node, Node, object]", node.args)
    vector = out.view(1) if not out.shape else out
    if _by_blas(e, node, a, x):
        _product(e, node, vector, place(e, a), place(e, x), Scales(factor, 0.0), f"{e.names[a]} @ {e.names[x]}")
        return
    name = e.cell(f"{name}_1", vector) if not out.shape else name
    if factor == 1:
        e.lines.append(f"{e.cell('mv', torch.mv)}({e.arguments((a, x), {})}, out={name})")
    else:
        e.method(name, vector, "addmv_", (a, x), {"beta": 0.0, "alpha": factor})


def _addmv(e: Emitter, node: Node, out: Tensor) -> None:
    """c beta + A x alpha."""
    c, a, x = cast("tuple[Node, Node, Node]", node.args)
    if e.places.of.get(c) is out and _by_blas(e, node, a, x):
        scales = Scales(node.kwargs.get("alpha", 1.0), node.kwargs.get("beta", 1.0))
        _product(e, node, out, place(e, a), place(e, x), scales, f"{e.names[a]} @ {e.names[x]}")
    else:
        call(e, node, out)


def _sqsum(e: Emitter, node: Node, out: Tensor) -> None:
    """The sum of the squares of d, times s: d as a row by d as a vector."""
    name, (d, factor) = e.names[node], cast("tuple[Node, object]", (*node.args, 1.0)[:2])
    n = math.prod(d.like.shape)
    if d not in e.stable or not e.stable[d].is_contiguous():
        copy, square = e.cell(f"{name}_copy_", out.copy_), e.cell("square_sum", _square_sum)
        e.lines.append(f"{copy}({square}({e.names[d]}, {e.argument(factor)}))")
    elif _fits(d.like._replace(shape=(1, n), stride=(n, 1)), node.like.dtype) and addressable(e, node, d):
        row, vector = Operand(e.address(d), (1, n), (n, 1)), Operand(e.address(d), (n,), (1,))
        _product(e, node, out.view(1), row, vector, Scales(factor, 0.0), f"|{e.names[d]}|^2")
    else:
        flat = e.cell(f"{e.names[d]}_flat", e.stable[d].view(n))
        wide = e.cell(f"{e.names[d]}_row", e.stable[d].view(1, n))
        add = e.cell(f"{name}_addmv_", out.view(1).addmv_)
        e.lines.append(f"{add}({wide}, {flat}, beta=0.0, alpha={e.argument(factor)})")


def _square_sum(d: Tensor, factor: float) -> Tensor:
    """For a tensor whose memory is not the program's."""
    return d.square().sum() * factor


def _by_blas(e: Emitter, node: Node, a: Node, x: Node) -> bool:
    """Whether BLAS multiplies this matrix by this vector."""
    steps = (*x.like.stride, *node.like.stride)
    return _fits(a.like, x.like.dtype, node.like.dtype) and min(steps) > 0 and addressable(e, node, a, x)


def _fits(a: Spec, *dtypes: torch.dtype) -> bool:
    return fits(a) and {a.dtype} == {*dtypes} and routine(f"{LETTER[a.dtype]}gemv_") is not None


def _product(e: Emitter, node: Node, out: Tensor, a: Operand, x: Operand, scales: Scales, formula: str) -> None:
    """out <- beta out + alpha A x."""
    letter = LETTER[out.dtype]
    alpha, beta = (number(e, scale, out.dtype) for scale in scales)
    arguments = gemv(Operand(e.address(node), tuple(out.shape), out.stride()), a, x, alpha, beta)
    subroutine(e, f"{letter}gemv", routine(f"{letter}gemv_"), node, arguments, scales, formula)


VECTORS: dict[str, Callable[[Emitter, Node, Tensor], None]] = {"gemv": _mv, "aten.addmv.default": _addmv, "sqsum": _sqsum}
"""What writes down each of these operations: to the lines of the emitter, given node and memory."""
