"""Print products and sums: as calls of BLAS where the addresses of the operands are known, else of torch."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pure_mlp._compile.calls.blas import Address, Operand, axpy, fits, gemm, gemv, routine
from pure_mlp._compile.calls.emitter import Emitter
from pure_mlp._compile.graph import Node
from pure_mlp._compile.schema import overload

_SPREAD = 2**15
"""Up to this many elements, a bias is spread over rows by a product with ones; beyond, it is copied."""
_ROWS = 64
"""Up to this many rows are summed by a product with ones, one term after another; beyond, by torch's pairwise sum,
which has a smaller error.
"""
_TERMS = 4096
"""The same limit for a sum of all elements, which BLAS adds up in vectors."""


def write_product(e: Emitter, node: Node, out: Tensor) -> None:
    """gemm: s A B, and mm."""
    a, b, alpha = (*node.args, 1.0)[:3]
    if not isinstance(a, Node) or not isinstance(b, Node):
        raise TypeError(f"{node.op} of {a!r} and {b!r}")
    if not _gemm(e, node, a, b, alpha, 0.0):
        e.checked(alpha)
        scales = {} if alpha == 1 else {"beta": 0.0, "alpha": alpha}
        e.method(node, "addmm_", (a, b), scales) if scales else e.call(torch.mm, (a, b), node, {})


def write_sum_with_product(e: Emitter, node: Node, out: Tensor) -> None:
    """addmm: c beta + A B alpha, in place where c is in the memory of the result, else c is spread over it first."""
    c, a, b = (node.node(i) for i in range(3))
    beta, alpha = node.kwargs.get("beta", 1.0), node.kwargs.get("alpha", 1.0)
    own = e.places.of.get(c) is out
    if not (_is_factor(alpha) and _is_factor(beta)):
        e.call(torch.addmm, (c, a, b), node, node.kwargs)
    elif own and not _gemm(e, node, a, b, alpha, beta):
        e.checked(alpha, beta)
        e.method(node, "addmm_", (a, b), node.kwargs)
    elif not own and _by_blas(e, node, a, b):
        _spread(e, node, c, out)
        _gemm(e, node, a, b, alpha, beta)
    elif not own:
        e.checked(alpha, beta)
        e.call(torch.addmm, (e.rows(c, out), a, b), node, node.kwargs)


def write_sum(e: Emitter, node: Node, out: Tensor) -> None:
    """rowsum and total: s times the sum of the rows of d, or of all its elements."""
    d, factor = node.node(0), node.number(1)
    shape = d.like.shape
    if node.op == "rowsum":
        by_blas, axes = shape[0] <= _ROWS and _gemv(e, node, d, (shape[1], shape[0]), factor), [0]
    else:
        by_blas, axes = d.like.shape != () and out.numel() == 1 and _total(e, node, d, factor), [*range(len(shape))]
    if not by_blas:
        e.call(sum_out(), (d, tuple(axes)), node, {})
        _multiply(e, node, factor)


def write_square_sum(e: Emitter, node: Node, out: Tensor) -> None:
    """sqsum: s times the sum of the squares of d."""
    d, factor = node.node(0), node.number(1)
    at, count, f = e.address(d), math.prod(d.like.shape), routine("gemv", d.like.dtype)
    if at is not None and f is not None and e.layout(d).dense and 0 < count <= _TERMS and e.address(node):
        row = Operand(at, (1, count), (count, 1))
        e.blas("gemv", node, f, gemv(_known(e, node), row, at, e.scale(factor, d.like.dtype)), factor, f"|{e.label(d)}|^2")
        return
    squares = e.scratch(d)
    e.line(f"{e.cell('mul', torch.mul)}({e.name(d)}, {e.name(d)}, out={squares})")
    e.line(f"{e.cell('sum', sum_out())}({squares}, {[*range(len(d.like.shape))]}, out={e.name(node)})")
    _multiply(e, node, factor)


def write_update(e: Emitter, node: Node, out: Tensor) -> bool:
    """add: a + alpha b in the memory of a, both contiguous and alike. Returns whether it was written."""
    a, b, alpha = node.args[0], node.args[1], node.kwargs.get("alpha", 1.0)
    if not (isinstance(a, Node) and isinstance(b, Node) and e.places.of.get(a) is out and b.spec is not None and _is_factor(alpha)):
        return False
    f = routine("axpy", out.dtype)
    alike = b.like.shape == tuple(out.shape) and b.like.dtype == out.dtype and out.is_contiguous() and e.layout(b).dense
    if f is None or not alike or not 0 < out.numel() < 2**31 or e.address(b) is None or e.address(node) is None:
        return False
    arguments = axpy(_known(e, node), _known(e, b), out.numel(), e.scale(alpha, out.dtype))
    e.blas("axpy", node, f, arguments, alpha, e.label(b), kept=1.0)
    return True


def _is_factor(c: object) -> bool:
    """Whether BLAS may multiply by this: for 0 it does not read the operands, and inf and NaN are left to torch."""
    return isinstance(c, Node) or (isinstance(c, (int, float)) and math.isfinite(c) and c != 0)


def sum_out() -> Callable[..., object]:
    """torch's sum over axes into given memory."""
    found = overload("aten.sum.IntList_out")
    if found is None:
        raise TypeError("torch has no sum")
    return found


def _multiply(e: Emitter, node: Node, factor: object) -> None:
    if factor != 1:
        e.method(node, "mul_", (factor,), {})


def _known(e: Emitter, node: Node) -> Address:
    at = e.address(node)
    if at is None:
        raise TypeError(f"{node.op} has no address")
    return at


def _operand(e: Emitter, node: Node) -> Operand:
    return Operand(_known(e, node), node.like.shape, e.layout(node).stride)


def _by_blas(e: Emitter, node: Node, a: Node, b: Node) -> bool:
    """Whether BLAS multiplies these: they have one dtype, no gaps, and known addresses."""
    dtypes = {x.like.dtype for x in (node, a, b)}
    plain = len(dtypes) == 1 and all(fits(e.layout(x)) for x in (node, a, b))
    return plain and routine("gemm", node.like.dtype) is not None and all(e.address(x) is not None for x in (node, a, b))


def _gemm(e: Emitter, node: Node, a: Node, b: Node, alpha: object, beta: object) -> bool:
    """out <- beta out + alpha A B; returns whether it was written."""
    dtype = node.like.dtype
    f = routine("gemm", dtype)
    if f is None or not _by_blas(e, node, a, b):
        return False
    operands = _operand(e, node), _operand(e, a), _operand(e, b)
    arguments = gemm(*operands, e.scale(alpha, dtype), e.scale(beta, dtype, zero=True))
    e.blas("gemm", node, f, arguments, alpha, f"{e.label(a)} @ {e.label(b)}", kept=beta)
    return True


def _spread(e: Emitter, node: Node, c: Node, out: Tensor) -> None:
    """Write c to every row of the result; a small one as the product of a column of ones and a row, a faster call
    than torch's.
    """
    n, m = out.shape
    dtype, f, at = out.dtype, routine("gemm", out.dtype), e.address(c)
    row = c.like.shape == (m,) and c.like.dtype == dtype and e.layout(c).dense
    if f is None or at is None or not row or n * m > _SPREAD:
        e.line(f"{e.cell(f'{e.name(node)}_copy_', out.copy_)}({e.text(e.rows(c, out))})")
        return
    column = Operand(e.ones(n, dtype), (n, 1), (1, 1))
    arguments = gemm(_operand(e, node), column, Operand(at, (1, m), (m, 1)), e.scale(1.0, dtype), e.scale(0.0, dtype, zero=True))
    e.blas("gemm", node, f, arguments, 1.0, f"ones({n}, 1) @ {e.label(c)}")


def _gemv(e: Emitter, node: Node, d: Node, shape: tuple[int, int], factor: object) -> bool:
    """out <- factor D^T 1, which is the sum of the rows of D."""
    f, at = routine("gemv", d.like.dtype), e.address(d)
    if f is None or at is None or not fits(e.layout(d)) or not e.layout(node).dense or e.address(node) is None:
        return False
    ones = e.ones(shape[1], d.like.dtype)
    arguments = gemv(_known(e, node), _operand(e, d).t, ones, e.scale(factor, d.like.dtype))
    e.blas("gemv", node, f, arguments, factor, f"ones({shape[1]}) @ {e.label(d)}")
    return True


def _total(e: Emitter, node: Node, d: Node, factor: object) -> bool:
    """out <- factor times the sum of few contiguous elements."""
    f, at, count = routine("gemv", d.like.dtype), e.address(d), math.prod(d.like.shape)
    if f is None or at is None or not e.layout(d).dense or not 0 < count <= _TERMS or e.address(node) is None:
        return False
    row, ones = Operand(at, (1, count), (count, 1)), e.ones(count, d.like.dtype)
    e.blas("gemv", node, f, gemv(_known(e, node), row, ones, e.scale(factor, d.like.dtype)), factor, f"sum({e.label(d)})")
    return True


PRODUCTS: dict[str, Callable[[Emitter, Node, Tensor], None]] = {
    "gemm": write_product,
    "aten.mm.default": write_product,
    "aten.addmm.default": write_sum_with_product,
    "rowsum": write_sum,
    "total": write_sum,
    "sqsum": write_square_sum,
}
"""By operation, the function that prints it, given emitter, node and memory."""
