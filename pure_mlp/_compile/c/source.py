"""The whole file in C."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

from pure_mlp._compile.c.arrays import CTYPES, Memory
from pure_mlp._compile.c.printer import Printer
from pure_mlp._compile.lowered import Lowered

_BLAS = {"sgemm_": "float", "dgemm_": "double"}
_PARTS = {"whole": 1, "half": 2, "quarter": 4}


class Source(NamedTuple):
    """A file in C, and the names of what the table `mem` must hold: arrays, then functions of BLAS.

    Before them come the counts of the carry, and one double for the code of a failure.
    """

    text: str
    names: list[str]
    blas: list[str]


def source_of(lowered: Lowered, memory: Memory, *, blas: bool) -> Source:
    """The C of a lowered step; without BLAS, if torch has none. Raises `Unplannable` for an operation that has
    none.

    >>> import torch
    >>> from pure_mlp._compile.c.arrays import arrays_of
    >>> from pure_mlp._compile.graph import Graph, spec_of
    >>> from pure_mlp._compile.passes.place import Places
    >>> graph, x = Graph(), torch.tensor(1.0)
    >>> leaf = graph.add("carry", (0,), {}, spec_of(x))
    >>> lowered = Lowered([leaf], [leaf, leaf], [leaf], Places({leaf: x}, []), {leaf: "w"})
    >>> source = source_of(lowered, arrays_of(lowered), blas=False)
    >>> source.names, "*loss = w[0];" in source.text
    (['w'], True)
    """
    printer = Printer(lowered, memory, blas)
    body = "\n".join(f"    {line}" for line in printer.body())
    names = [name for name in memory.tensors if re.search(rf"\b{name}\b", body)]
    functions = sorted(printer.kernels.blas)
    types = [f"{CTYPES[memory.tensors[name].dtype]} *const {name}" for name in names]
    types += [f"blas_{_BLAS[f]}_t *const {f}" for f in functions]
    table = [f"    {t} = mem[{i}];\n" for i, t in enumerate(types, 2)]
    given = [f"const {CTYPES[node.like.dtype]} *const {name}" for node, name in zip(memory.batch, memory.names)]
    table += [f"    {t} = batch[{i}];\n" for i, t in enumerate(given)]
    parts = [_file("head.c")]
    for dtype in sorted(printer.kernels.reals, key=str):
        parts += [_products(CTYPES[dtype])]
    parts += [_file("blas.c").replace("REAL", _BLAS[f]) for f in functions]
    head = "static __attribute__((noinline)) int advance(void *const *mem, const void *const *batch, double *loss)\n{\n"
    parts += [printer.kernels.text(), f"{head}    double *const counts = mem[0];\n{''.join(table)}\n{body}\n    return 0;\n}}\n"]
    return Source("\n".join([*parts, _entries(len(memory.batch), CTYPES[lowered.outputs[-1].like.dtype])]), names, functions)


def _file(name: str) -> str:
    return (files("pure_mlp._compile.c") / name).read_text()


def _products(real: str) -> str:
    """The functions of products, for one dtype."""
    vector = "__attribute__((vector_size(PIECE({})), aligned(sizeof({}))))"
    parts = [f"typedef {real} {real}_{part} {vector.format(k, real)};\n" for part, k in _PARTS.items()]
    parts += [f"typedef {real} {real}_single;\n\n"]
    blocks = "".join(_file("block.c").replace("PART", part) for part in (*_PARTS, "single"))
    return "".join(parts) + (blocks + _file("gemm.c")).replace("REAL", real)


def _entries(count: int, real: str) -> str:
    """The two functions that Python calls: a step, and several."""
    given = "".join(f", const void *x{i}" for i in range(count))
    return f"""
double step(void *const *mem{given})
{{
    const void *const batch[] = {{{"".join(f"x{i}, " for i in range(count))}0}};
    double loss;
    const int failure = advance(mem, batch, &loss);
    if (failure) {{
        *(double *)mem[1] = failure;
        return NAN;
    }}
    return loss;
}}

int steps(void *const *mem, long n, const void *const *batch, {real} *losses)
{{
    for (long i = 0; i < n; i++) {{
        double loss;
        const int failure = advance(mem, batch + {count} * i, &loss);
        if (failure)
            return i;
        losses[i] = loss;
    }}
    return n;
}}
"""
