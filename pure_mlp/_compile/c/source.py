"""The whole file in C."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from pure_mlp._compile.c.arrays import CTYPES, Memory
from pure_mlp._compile.c.printer import Printer
from pure_mlp._compile.lowered import Lowered

_PARTS = {"whole": 1, "half": 2, "quarter": 4}


class Source(NamedTuple):
    """A file in C, the names of the arrays that the table `mem` must hold, and the bytes of memory to pack products into.

    The table begins with the counts of the carry, the number of threads, and that memory.
    """

    text: str
    names: list[str]
    bytes: int


def source_of(lowered: Lowered, memory: Memory, most: int) -> Source:
    """The C of a lowered step; most is how many rows of a product stay in registers.

    Raises `Unplannable` for an operation without C.
    """
    printer = Printer(lowered, memory, most)
    body = "\n".join(f"    {line}" for line in printer.body())
    names = [name for name in memory.tensors if re.search(rf"\b{name}\b", body)]
    types = [f"{CTYPES[memory.tensors[name].dtype]} *const {name}" for name in names]
    table = [f"    {t} = mem[{i}];\n" for i, t in enumerate(types, 3)]
    given = [f"const {CTYPES[node.like.dtype]} *const {name}" for node, name in zip(memory.batch, memory.names)]
    table += [f"    {t} = batch[{i}];\n" for i, t in enumerate(given)]
    if printer.kernels.bytes:
        table = ["    const int threads = *(const int64_t *)mem[1];\n", "    void *const scratch = mem[2];\n", *table]
    parts = [f"#define MOST {most} /* rows of a product in registers */\n{_file('head.c')}"]
    parts += [_file("functions.c")] if re.search(r"\b(exp|log|log1p|tanh)f\(", body) else []
    parts += [_products(CTYPES[dtype]) for dtype in sorted(printer.kernels.reals, key=str)]
    head = "static __attribute__((noinline)) int advance(void *const *mem, const void *const *batch, double *loss)\n{\n"
    parts += [printer.kernels.text(), f"{head}    double *const counts = mem[0];\n{''.join(table)}\n{body}\n    return 0;\n}}\n"]
    loss = CTYPES[lowered.outputs[-1].like.dtype]
    return Source("\n".join([*parts, _entries(len(memory.batch), loss)]), names, printer.kernels.bytes)


@cache
def _file(name: str) -> str:
    return (files("pure_mlp._compile.c") / name).read_text()


def _products(real: str) -> str:
    """The functions of products, for one dtype."""
    vector = "__attribute__((vector_size(PIECE({})), aligned(sizeof({}))))"
    parts = [f"typedef {real} {real}_{part} {vector.format(k, real)};\n" for part, k in _PARTS.items()]
    parts += [f"typedef {real} {real}_single;\n\n"]
    columns = "".join(_file("column.c").replace("PART", part) for part in (*_PARTS, "single"))
    return "".join(parts) + (columns + _file("small.c") + _file("panel.c")).replace("REAL", real)


def _entries(count: int, real: str) -> str:
    """The functions that Python calls: `step` returns 0 or why it failed, `steps` how many were made."""
    given = "".join(f", const void *x{i}" for i in range(count))
    return f"""
int step(void *const *mem, double *loss{given})
{{
    const void *const batch[] = {{{"".join(f"x{i}, " for i in range(count))}0}};
    return advance(mem, batch, loss);
}}

long steps(void *const *mem, long n, const void *const *batch, {real} *losses)
{{
    for (long i = 0; i < n; i++) {{
        double loss;
        if (advance(mem, batch + {count} * i, &loss))
            return i;
        losses[i] = loss;
    }}
    return n;
}}
"""
