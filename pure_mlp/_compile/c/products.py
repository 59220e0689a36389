"""Matrix products as functions with constant sizes: small ones in registers, large ones packed and threaded."""

from __future__ import annotations

import math
from importlib.resources import files
from typing import NamedTuple

import torch

from pure_mlp._compile.c.arrays import CTYPES, Array
from pure_mlp._compile.c.loops import copy, looped
from pure_mlp._compile.graph import Unplannable

_LARGE = 1 << 19
"""A product of at least this many multiplications may be packed."""
_SHARED = 1 << 22
"""A product of at least this many multiplications is shared by several threads."""
_LANES = 16
_DEEP = 2048
_REALS = (torch.float32, torch.float64)


class Matrix(NamedTuple):
    """A matrix in memory: its array, its size, and the strides to the next row and column."""

    array: Array
    rows: int
    columns: int
    down: int
    right: int

    @property
    def t(self) -> Matrix:
        """The transpose."""
        return Matrix(self.array, self.columns, self.rows, self.right, self.down)


class Product(NamedTuple):
    """out = alpha a b + beta old; old is None for beta = 0, alpha and beta are C."""

    out: Matrix
    a: Matrix
    b: Matrix
    old: Matrix | None
    alpha: str
    beta: str

    @property
    def t(self) -> Product:
        """The same, of the transposes."""
        return Product(self.out.t, self.b.t, self.a.t, self.old and self.old.t, self.alpha, self.beta)

    @property
    def size(self) -> tuple[int, int, int]:
        """Rows and columns of the result, and the number of terms in each of its sums."""
        return self.out.rows, self.out.columns, self.a.columns


class Kernel(NamedTuple):
    """A function for a product, its cycles by estimate, and the bytes that it packs into. `form` is the product,
    `old` laid out as the function reads it.
    """

    cycles: float
    text: str
    form: Product
    bytes: int = 0


def matrix(x: Array, shape: tuple[int, int] | None = None) -> Matrix:
    """An array as a matrix, broadcast to a shape: a vector is one column, a number one row and one column."""
    if shape is not None:
        x = x.grown(shape)
    return Matrix(x, *(*x.shape, 1, 1)[:2], *(*x.stride, 0, 0)[:2])


class Kernels:
    """The functions that a program's products need, each once, and the bytes of memory that they share."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.functions: dict[str, str] = {}
        self.reals: set[torch.dtype] = set()
        self.bytes = 0

    def call(self, product: Product) -> list[str]:
        """C for a product. Raises `Unplannable` for integers, and for strides of which none is 1."""
        dtypes = {m.array.dtype for m in (product.out, product.a, product.b)}
        if len(dtypes) > 1 or product.out.array.dtype not in _REALS:
            raise Unplannable(f"native: no C for products of {product.a.array.dtype} and {product.b.array.dtype}")
        kernels = [k for form in (product, product.t) for k in (_near(form), _packed(form, self.most)) if k is not None]
        if not kernels:
            raise Unplannable(f"native: no C for a product into strides {product.out.down, product.out.right}")
        best = min(kernels, key=lambda kernel: kernel.cycles)
        form, old = best.form, best.form.old
        self.reals.add(product.out.array.dtype)
        self.bytes = max(self.bytes, best.bytes)
        lines: list[str] = []
        if old is not None and not best.bytes and form.out.columns > 1 and old.right != 1:
            lines, old = _first(form, old), form.out
        body = best.text.replace("OLD", str(0 if old is None else old.down))
        label = f"gemm_{'x'.join(map(str, form.size))}_{len(self.functions)}"
        name = next((n for n, text in self.functions.items() if text == body), label)
        self.functions[name] = body
        pointer = "0" if old is None else old.array.pointer
        places = f"{form.a.array.pointer}, {form.b.array.pointer}, {pointer}, {form.beta}, {form.out.array.pointer}, {form.alpha}"
        shared = ", scratch, threads" if math.prod(form.size) >= _SHARED else ", scratch, 1"
        return [*lines, f"{name}({places}{shared if best.bytes else ''});"]

    def text(self) -> str:
        """All functions."""
        return "\n".join(text.replace("NAME", name) for name, text in self.functions.items())


def _first(form: Product, old: Matrix) -> list[str]:
    """out = old, for an old that the kernel cannot read while it writes out."""
    shape = (form.out.rows, form.out.columns)
    to = form.out.array._replace(shape=shape, stride=(form.out.down, form.out.right))
    return copy(to, old.array._replace(shape=shape, stride=(old.down, old.right)))


def _near(form: Product) -> Kernel | None:
    """A function that reads a and b where they are, or copies a few columns of b; None if rows of out are not contiguous."""
    (m, n, k), a, b = form.size, form.a, form.b
    real = CTYPES[form.out.array.dtype]
    if n > 1 and form.out.right != 1:
        return None
    head = f"static void NAME(const {real} *a, const {real} *b, const {real} *old, {real} beta, {real} *c, {real} alpha)\n{{\n"
    copies = m * n if form.old is not None and n > 1 and form.old.right != 1 else 0
    pieces = math.ceil(n / max(width for width in (1, 4, 8, _LANES) if width <= max(n, 1)))
    outer = m * k * pieces + copies + (k * n * 1.5 if n > 1 and b.right != 1 else 0)
    inner = m * n * (2 * k / _LANES + 10) + copies
    if k <= 4096 and (a.right == 1 or k == 1) and (b.down == 1 or k == 1) and inner < outer:
        term = f"a[{a.down}*i + p] * b[{b.right}*j + p]"
        dot = [f"{real} s = 0;", "#pragma omp simd reduction(+:s)", f"for (long p = 0; p < {k}; p++)", f"    s += {term};"]
        dot += [f"c[{form.out.down}*i + j] = beta != 0 ? alpha * s + beta * old[OLD*i + j] : alpha * s;"]
        return Kernel(inner, head + "".join(f"    {line}\n" for line in looped([m, n], dot)) + "}\n", form)
    sizes = f"{m}, {n}, {k}, a, {a.down}, {a.right}, b, {b.down if k else 1}, {b.right if n > 1 else 1}"
    return Kernel(outer, head + f"    small_{real}({sizes}, old, OLD, beta, c, {form.out.down}, alpha);\n}}\n", form)


def _packed(form: Product, most: int) -> Kernel | None:
    """A function that copies a and b into panels first; None for small products."""
    (m, n, k), a, b, out = form.size, form.a, form.b, form.out
    if m * n * k < _LARGE:
        return None
    real, size = CTYPES[out.array.dtype], out.array.dtype.itemsize
    rows = math.ceil(m / math.ceil(m / most))
    direct = a.right == 1 and a.down * size % 1024 != 0
    old = form.old or out
    sizes = {"M": m, "N": n, "K": k, "ROWS": rows, "DIRECT": int(direct), "AI": a.down, "AP": a.right, "BP": b.down, "BJ": b.right}
    sizes |= {"CI": out.down, "CJ": out.right, "OI": old.down, "OJ": old.right}
    text = (files("pure_mlp._compile.c") / "packed.c").read_text()
    text = text.replace("SIZES", ", ".join(f"{name} = {value}" for name, value in sizes.items())).replace("REAL", real)
    wide, high = math.ceil(n / _LANES) * _LANES, math.ceil(m / rows) * rows
    packing = k * n * (0.3 if b.right == 1 else 0.5) + (0 if direct else m * k * (0.3 if a.down == 1 else 0.5))
    cycles = high * wide * k / _LANES / 2 + packing + m * n * (0.3 if out.right == 1 else 1.2)
    deep = min(k, _DEEP)
    elements = (wide + 2 * _LANES + (0 if direct else high)) * deep + (m * n if k > deep else 0)
    return Kernel(cycles, text, form, elements * size)
