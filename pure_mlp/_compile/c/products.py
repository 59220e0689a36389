"""Products of matrices: small ones as functions with their sizes inside, large ones by the BLAS that torch carries."""

from __future__ import annotations

from typing import NamedTuple

import torch

from pure_mlp._compile.c.arrays import CTYPES, Array
from pure_mlp._compile.c.loops import copy, looped
from pure_mlp._compile.graph import Unplannable

SMALL = 1 << 18
"""Up to so many multiplications a product is never a call of BLAS."""
_LANES = 16
BLAS = {torch.float32: "sgemm_", torch.float64: "dgemm_"}


class Matrix(NamedTuple):
    """A matrix in memory: its array, its size, and the steps down and right."""

    array: Array
    rows: int
    columns: int
    down: int
    right: int

    @property
    def t(self) -> Matrix:
        """The transpose.

        >>> matrix(Array("a", 0, (2, 3), (3, 1), torch.float32)).t[1:]
        (3, 2, 1, 3)
        """
        return Matrix(self.array, self.columns, self.rows, self.right, self.down)


class Product(NamedTuple):
    """out = alpha a b + beta old; old is None for beta = 0, and alpha and beta are C."""

    out: Matrix
    a: Matrix
    b: Matrix
    old: Matrix | None
    alpha: str
    beta: str

    @property
    def t(self) -> Product:
        """The same, of the transposes.

        >>> a, b, c = (matrix(Array(name, 0, (4, 4), (4, 1), torch.float32)) for name in "abc")
        >>> Product(c, a, b, None, "1.0f", "0.0f").t.a.array.name
        'b'
        """
        return Product(self.out.t, self.b.t, self.a.t, self.old and self.old.t, self.alpha, self.beta)


def matrix(x: Array, shape: tuple[int, int] | None = None) -> Matrix:
    """An array as a matrix, a vector as a column, a number as both; broadcast to a shape.

    >>> x = Array("x", 0, (3,), (1,), torch.float32)
    >>> matrix(x)[1:], matrix(x, (2, 3))[1:]
    ((3, 1, 1, 0), (2, 3, 0, 1))
    """
    if shape is not None:
        x = x.grown(shape)
    return Matrix(x, *(*x.shape, 1, 1)[:2], *(*x.stride, 0, 0)[:2])


class Kernels:
    """The functions that a program's products need, each once."""

    def __init__(self) -> None:
        self.functions: dict[str, str] = {}
        self.reals: set[torch.dtype] = set()
        self.blas: set[str] = set()

    def call(self, product: Product, blas: bool) -> list[str]:
        """C for a product. Without BLAS none is a call. Raises `Unplannable` for integers.

        >>> a, b, c = (matrix(Array(name, 0, (4, 4), (4, 1), torch.float32)) for name in "abc")
        >>> Kernels().call(Product(c, a, b, None, "1.0f", "0.0f"), blas=True)
        ['gemm_4x4x4_0(a, b, 0, 0.0f, c, 1.0f);']
        """
        out, a = product.out, product.a
        if out.array.dtype not in BLAS or {a.array.dtype, product.b.array.dtype} != {out.array.dtype}:
            raise Unplannable(f"native: no C for products of {a.array.dtype} and {product.b.array.dtype}")
        if blas and out.rows * out.columns * a.columns > SMALL and min(out.rows, out.columns, a.columns) > 1:
            for form in (product, product.t):
                if _lead(form.a) and _lead(form.b) and form.out.right == 1:
                    return self._blas(form)
        candidates = [_kernel(form) for form in (product, product.t)]
        _, text, form = min((c for c in candidates if c is not None), key=lambda c: c[0], default=(0, "", product))
        if not text:
            raise Unplannable(f"native: no C for a product into strides {out.down, out.right}")
        self.reals.add(out.array.dtype)
        lines: list[str] = []
        old = form.old
        if old is not None and form.out.columns > 1 and old.right != 1:
            lines, old = _first(form, old), form.out
        signature = f"{form.out.rows}x{form.out.columns}x{form.a.columns}"
        step = 0 if old is None else old.down
        body = text.replace("OLD", str(step))
        name = next((n for n, b in self.functions.items() if b == body), f"gemm_{signature}_{len(self.functions)}")
        self.functions[name] = body
        pointer = "0" if old is None else old.array.pointer
        places = f"{form.a.array.pointer}, {form.b.array.pointer}, {pointer}"
        return [*lines, f"{name}({places}, {form.beta}, {form.out.array.pointer}, {form.alpha});"]

    def _blas(self, form: Product) -> list[str]:
        """Row-major matrices are the transposes of what BLAS sees: it computes out' = b' a'."""
        real, name = CTYPES[form.out.array.dtype], BLAS[form.out.array.dtype]
        self.blas.add(name)
        lines = [] if form.old in (None, form.out) else _first(form, form.old)
        sides = [("N" if m.right == 1 else "T", _lead(m)) for m in (form.b, form.a)]
        size = f"{form.out.columns}, {form.out.rows}, {form.a.columns}"
        leads = f"{sides[0][1]}, {sides[1][1]}, {max(form.out.down, form.out.columns)}"
        ends = f"{form.b.array.pointer}, {form.a.array.pointer}, {form.out.array.pointer}, {form.alpha}, {form.beta}"
        return [*lines, f"blas_{real}({name}, '{sides[0][0]}', '{sides[1][0]}', {size}, {leads}, {ends});"]

    def text(self) -> str:
        """All functions.

        >>> Kernels().text()
        ''
        """
        return "\n".join(text.replace("NAME", name) for name, text in self.functions.items())


def _lead(m: Matrix) -> int:
    """The step between the rows or columns that BLAS sees, 0 if it sees none."""
    if m.right == 1:
        return m.down if m.down >= m.columns else 0
    return m.right if m.down == 1 and m.right >= m.rows else 0


def _first(form: Product, old: Matrix | None) -> list[str]:
    """out = old, where old cannot be read as out is written."""
    if old is None:
        return []
    shape = (form.out.rows, form.out.columns)
    to = form.out.array._replace(shape=shape, stride=(form.out.down, form.out.right))
    return copy(to, old.array._replace(shape=shape, stride=(old.down, old.right)))


def _kernel(form: Product) -> tuple[float, str, Product] | None:
    """A function for this form, and about how many instructions it takes; None if rows of out are not contiguous."""
    (m, n), k, a, b = form.out[1:3], form.a.columns, form.a, form.b
    real = CTYPES[form.out.array.dtype]
    if n > 1 and form.out.right != 1:
        return None
    head = f"static void NAME(const {real} *a, const {real} *b, const {real} *old, {real} beta, {real} *c, {real} alpha)\n{{\n"
    copies = m * n if form.old is not None and n > 1 and form.old.right != 1 else 0
    pack = n > 1 and b.right != 1
    pieces = n // _LANES + (n % _LANES).bit_count()
    outer = m * k * pieces + copies + (k * n * 1.5 if pack else 0)
    inner = m * n * (2 * k / _LANES + 10) + copies
    if (a.right == 1 or k == 1) and (b.down == 1 or k == 1) and inner < outer:
        term = f"a[{a.down}*i + p] * b[{b.right}*j + p]"
        dot = [f"{real} s = 0;", "#pragma omp simd reduction(+:s)", f"for (long p = 0; p < {k}; p++)", f"    s += {term};"]
        dot += [f"c[{form.out.down}*i + j] = beta != 0 ? alpha * s + beta * old[OLD*i + j] : alpha * s;"]
        lines = looped([m, n], dot)
        return inner, head + "".join(f"    {line}\n" for line in lines) + "}\n", form
    sizes = f"{m}, {n}, {k}, a, {a.down}, {a.right}, b, {b.down if k else 1}, {b.right if n > 1 else 1}"
    return outer, head + f"    gemm_{real}({sizes}, old, OLD, beta, c, {form.out.down}, alpha);\n}}\n", form
