"""How products of matrices are written down: by BLAS where it can be called past torch, by oneDNN, or by torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from pure_mlp._compile.calls.blas import LETTER, Operand, gemm, operand
from pure_mlp._compile.calls.gemms import Kernel, fastest, kernel
from pure_mlp._compile.calls.onednn import onednn
from pure_mlp._compile.calls.subroutine import Scales, addressable, number, place, subroutine
from pure_mlp._compile.graph import Node

if TYPE_CHECKING:
    from pure_mlp._compile.calls.emit import Emitter

_SPREAD = 2**15
"""Elements up to which a bias is spread over rows by a product: more are copied."""


def _mm(e: Emitter, node: Node, out: Tensor) -> None:
    """A B s."""
    a, b, factor = cast("tuple[Node, Node, object]", (*node.args, 1.0)[:3])
    chosen = _chosen(e, node, a, b, adds=False)
    if chosen != "torch":
        _product(e, chosen, node, a, b, Scales(factor, 0.0))
    elif factor == 1:
        e.lines.append(f"{e.cell('mm', torch.mm)}({e.arguments((a, b), {})}, out={e.names[node]})")
    else:
        e.method(e.names[node], out, "addmm_", (a, b), {"beta": 0.0, "alpha": factor})


def _addmm(e: Emitter, node: Node, out: Tensor) -> None:
    """c beta + A B alpha: in the memory of c where that is the result's, else c is copied there before or added afterwards."""
    c, a, b = cast("tuple[Node, Node, Node]", node.args)
    beta, alpha = node.kwargs.get("beta", 1.0), node.kwargs.get("alpha", 1.0)
    own = e.places.of.get(c) is out
    chosen = _chosen(e, node, a, b, adds=own)
    if own and chosen != "torch":
        _product(e, chosen, node, a, b, Scales(alpha, beta))
    elif own:
        e.method(e.names[node], out, "addmm_", (a, b), node.kwargs)
    elif chosen == "onednn":
        _product(e, chosen, node, a, b, Scales(alpha, 0.0))
        e.method(e.names[node], out, "add_", (c,), {"alpha": beta})
    elif chosen == "torch":
        rest = e.arguments((a, b), node.kwargs)
        e.lines.append(f"{e.cell('addmm', torch.addmm)}({_rows(e, c, out)}, {rest}, out={e.names[node]})")
    else:
        _spread(e, chosen, node, c, out)
        _product(e, chosen, node, a, b, Scales(alpha, beta))


def _spread(e: Emitter, chosen: Kernel, node: Node, c: Node, out: Tensor) -> None:
    """c in every row of the result: small, as the product of a column of ones and a row, a shorter call than that of torch."""
    n, m = out.shape
    row = c.like.shape == (m,) and c.like.stride == (1,) and c.like.dtype == out.dtype
    if n * m > _SPREAD or not row or c not in e.stable or not addressable(e, c):
        e.lines.append(f"{e.cell(f'{e.names[node]}_copy_', out.copy_)}({_rows(e, c, out)})")
        return
    ones = operand(torch.ones(n, 1, dtype=out.dtype))
    _gemm(e, chosen, node, ones, Operand(e.address(c), (1, m), (m, 1)), Scales(1.0, 0.0), f"ones({n}, 1) @ {e.names[c]}")


def _rows(e: Emitter, c: Node, out: Tensor) -> str:
    """A bias seen as a matrix of equal rows, once and for all: otherwise each call expands it."""
    if c not in e.stable or c.like.shape == out.shape:
        return e.names[c]
    return e.cell(f"{e.names[c]}_rows", e.stable[c].expand(*out.shape))


def _chosen(e: Emitter, node: Node, a: Node, b: Node, adds: bool) -> Kernel:
    chosen = fastest(a.like, b.like, node.like, adds)
    return chosen if chosen == "onednn" or addressable(e, node, a, b) else "torch"


def _product(e: Emitter, chosen: Kernel, node: Node, a: Node, b: Node, scales: Scales) -> None:
    """out <- beta out + alpha A B."""
    if chosen == "onednn":
        references = ", ".join(map(e.reference, (a, b, node)))
        e.lines.append(f"{e.cell('onednn', onednn())}({references}, {e.argument(scales.beta)}, {e.argument(scales.alpha)})")
        return
    _gemm(e, chosen, node, place(e, a), place(e, b), scales, f"{e.names[a]} @ {e.names[b]}")


def _gemm(e: Emitter, chosen: Kernel, node: Node, a: Operand, b: Operand, scales: Scales, formula: str) -> None:
    dtype = node.like.dtype
    alpha, beta = (number(e, scale, dtype) for scale in scales)
    name = f"{LETTER[dtype]}gemm{'_avx512' if chosen == 'avx512' else ''}"
    subroutine(e, name, kernel(chosen, dtype), node, gemm(place(e, node), a, b, alpha, beta), scales, formula)


PRODUCTS: dict[str, Callable[[Emitter, Node, Tensor], None]] = {
    **dict.fromkeys(("aten.mm.default", "gemm"), _mm),
    "aten.addmm.default": _addmm,
}
"""What writes down each of these operations: to the lines of the emitter, given node and memory."""
