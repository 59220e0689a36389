"""C for sums, softmax and the other operations that are not elementwise."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pure_mlp._compile.c.arrays import CTYPES, Array
from pure_mlp._compile.c.loops import INDICES, copy, looped, nest

_COLUMNS = 32


def summed(out: Array, x: Array, axes: Sequence[int], term: str, factor: str) -> list[str]:
    """out = factor times the sum of the term over the axes of x, in double or integers; in the C of the term X is the
    element.
    """
    real = "double" if out.dtype.is_floating_point else CTYPES[out.dtype]
    return _reduced(out, x, axes, f"{real} sum = 0;", f"sum += {term};", f"sum{factor}", "reduction(+:sum)")


def largest(out: Array, x: Array, axes: Sequence[int]) -> list[str]:
    """out = the largest element over the axes of x; NaN if one is NaN."""
    return _reduced(out, x, axes, f"{CTYPES[out.dtype]} top = -INFINITY;", "top = X > top || X != X ? X : top;", "top", None)


def _reduced(out: Array, x: Array, axes: Sequence[int], start: str, term: str, result: str, simd: str | None) -> list[str]:
    n = len(x.shape)
    gone = {a % n for a in axes} if n else set()
    kept = [d for d in range(n) if d not in gone]
    steps = [out.stride[d] for d in kept] if len(out.shape) == n else list(out.stride)
    rows, (to, fro) = nest([x.shape[d] for d in kept], [steps, [x.stride[d] for d in kept]])
    inner, (down,) = nest([x.shape[d] for d in sorted(gone)], [[x.stride[d] for d in sorted(gone)]])
    i, j = INDICES[: len(rows)], INDICES[len(rows) : len(rows) + len(inner)]
    element = x.at([*i, *j], [*fro, *down])
    loops = looped(inner, [term.replace("X", element)], simd=simd, first=len(rows))
    return looped(rows, [start, *loops, f"{out.at(i, to)} = {result};"])


def row_sum(out: Array, x: Array, factor: str) -> list[str]:
    """out = factor times the sum of the rows of a matrix, a few columns at a time, in double."""
    (n, m), (down, right) = x.shape, x.stride
    if right != 1 or m == 1:
        return summed(out, x, [0], "X", factor)
    width = f"({m} - k < {_COLUMNS} ? {m} - k : {_COLUMNS})" if m % _COLUMNS else str(_COLUMNS)
    element, target = x.at(["i", "k", "j"], [down, 1, 1]), out.at(["k", "j"], [out.stride[0], out.stride[0]])
    return [
        f"for (long k = 0; k < {m}; k += {_COLUMNS}) {{",
        f"    const long width = {width};",
        f"    double sum[{_COLUMNS}] = {{0}};",
        f"    for (long i = 0; i < {n}; i++)",
        "        for (long j = 0; j < width; j++)",
        f"            sum[j] += {element};",
        "    for (long j = 0; j < width; j++)",
        f"        {target} = sum[j]{factor};",
        "}",
    ]


def softmax(out: Array, x: Array, axis: int, logarithm: bool) -> list[str]:
    """Rows of out are those of x after softmax, or log softmax, shifted by their maxima."""
    n = len(x.shape)
    kept = [d for d in range(n) if d != axis % n] if n else []
    rows, (to, fro) = nest([x.shape[d] for d in kept], [[a.stride[d] for d in kept] for a in (out, x)])
    size, (down, up) = (x.shape[axis], (out.stride[axis], x.stride[axis])) if n else (1, (0, 0))
    i, j = INDICES[: len(rows)], INDICES[len(rows)]
    source, target = x.at([*i, j], [*fro, up]), out.at([*i, j], [*to, down])
    real, f = CTYPES[out.dtype], "f" if out.dtype == torch.float32 else ""
    loop = f"for (long {j} = 0; {j} < {size}; {j}++)"
    add = "#pragma omp simd reduction(+:sum)"
    body = [f"{real} top = -INFINITY, sum = 0;", loop, f"    top = {source} > top ? {source} : top;"]
    if logarithm:
        body += [add, loop, f"    sum += exp{f}({source} - top);", f"const {real} shift = top + log{f}(sum);"]
        body += [loop, f"    {target} = {source} - shift;"]
    else:
        body += [add, loop, f"    sum += {target} = exp{f}({source} - top);", loop, f"    {target} /= sum;"]
    return looped(rows, body)


def scattered(out: Array, base: Array, axis: int, index: Array, value: str) -> list[str]:
    """out = base, with the value where the index points along an axis; the step stops at an index out of range."""
    indices = INDICES[: len(index.shape)]
    axis %= len(out.shape)
    place = [f"{s}*{i}" for d, (s, i) in enumerate(zip(out.stride, indices)) if d != axis]
    at = " + ".join([*place, f"{out.stride[axis]}*at", str(out.offset)])
    body = [f"const int64_t at = {index.at(indices, index.stride)};", f"if (at < 0 || at >= {out.shape[axis]}) return 1;"]
    return [*copy(out, base), *looped(index.shape, [*body, f"{out.name}[{at}] = {value};"])]


def selected(out: Array, table: Array, index: Array) -> list[str]:
    """out = the rows of the table at the indices; the step stops at an index out of range."""
    row, column = INDICES[0], INDICES[1]
    at = f"const int64_t at = {index.at([row], index.stride)};"
    body = [at, f"if (at < 0 || at >= {table.shape[0]}) return 1;"]
    term = f"{out.at([row, column], out.stride)} = {table.at(['at', column], table.stride)};"
    return looped(out.shape, [*body, term])


def added(out: Array, base: Array, index: Array, source: Array) -> list[str]:
    """out = base, with each row of the source added to the row at its index, in order."""
    row, column = INDICES[0], INDICES[1]
    at = f"const int64_t at = {index.at([row], index.stride)};"
    body = [at, f"if (at < 0 || at >= {out.shape[0]}) return 1;"]
    term = f"{out.at(['at', column], out.stride)} += {source.at([row, column], source.stride)};"
    return [*copy(out, base), *looped(source.shape, [*body, term])]


def joined(out: Array, parts: Sequence[Array], axis: int, *, new: bool) -> list[str]:
    """out = the parts, concatenated along an axis of theirs or stacked along a new one."""
    lines, start = [], out.offset
    for part in parts:
        shape = (*part.shape[:axis], 1, *part.shape[axis:]) if new else part.shape
        stride = (*part.stride[:axis], 0, *part.stride[axis:]) if new else part.stride
        if len(shape) == len(out.shape):  # cat skips an empty one of another rank
            lines += copy(out._replace(offset=start, shape=shape), part._replace(shape=shape, stride=stride))
            start += shape[axis] * out.stride[axis]
    return lines
