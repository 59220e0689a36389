"""Nests of loops over arrays, and the longest runs of elementwise operations that share one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from pure_mlp._compile.c.arrays import CTYPES, Array
from pure_mlp._compile.c.elements import element, literal
from pure_mlp._compile.graph import Node, Unplannable
from pure_mlp._compile.schema import name_of

INDICES = "ijlpqrstuv"


def nest(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Merge the loops that can be merged, and order them by the strides of the first array, the largest outside.
    Returns the shape of the iteration, and its strides for each array.
    """
    axes = sorted((d for d, n in enumerate(shape) if n != 1), key=lambda d: -strides[0][d])
    loops: list[tuple[int, list[int]]] = []
    for d in axes:
        steps = [s[d] for s in strides]
        if loops and all(outer == inner * shape[d] for outer, inner in zip(loops[-1][1], steps)):
            loops[-1] = (loops[-1][0] * shape[d], steps)
        else:
            loops.append((shape[d], steps))
    return [n for n, _ in loops], [[steps[i] for _, steps in loops] for i in range(len(strides))]


def looped(shape: Sequence[int], body: Sequence[str], *, simd: str | None = None, first: int = 0) -> list[str]:
    """Lines of C: the body inside loops, the innermost of which has this `omp simd` clause."""
    lines = []
    for d, n in enumerate(shape):
        if simd is not None and d == len(shape) - 1:
            lines.append("    " * d + f"#pragma omp simd {simd}".rstrip())
        i = INDICES[d + first]
        lines.append("    " * d + f"for (long {i} = 0; {i} < {n}; {i}++)")
    if len(body) == 1:
        return [*lines, *("    " * len(shape) + line for line in body)]
    open_, close = (lines[-1] + " {", "    " * (len(shape) - 1) + "}") if shape else ("{", "}")
    return [*lines[:-1], open_, *("    " * max(len(shape), 1) + line for line in body), close]


class Run:
    """Consecutive elementwise operations over one shape, in one nest of loops.

    A value that only the run reads stays in a register. What the run writes, it may read at the same element only.
    """

    def __init__(self, arrays: Mapping[Node, Array], readers: Mapping[Node, int], numbers: Mapping[Node, str]) -> None:
        self.arrays, self.readers, self.numbers = arrays, readers, numbers
        self.nodes: list[Node] = []

    def accepts(self, node: Node) -> bool:
        """Whether a node may join."""
        shape = self.arrays[node].shape
        if self.nodes and self.arrays[self.nodes[0]].shape != shape:
            return False
        read = {a for n in (*self.nodes, node) for a in _tensors(n) if a not in self.nodes}
        written = [self.arrays[n] for n in (*self.nodes, node)]
        touched = [*written, *(self.arrays[a] for a in read)]
        return all(
            (a.offset, a.expanded(shape)) == (b.offset, b.expanded(shape)) or not a.overlaps(b) for a in written for b in touched
        )

    def lines(self) -> list[str]:
        """The loops."""
        inside = {a: sum(n.operands.count(a) for n in self.nodes) for a in self.nodes}
        kept = [n for n in self.nodes if self.readers[n] > inside[n]]
        used: list[Array] = [self.arrays[n] for n in (kept or self.nodes[-1:])]
        used += [self.arrays[a] for n in self.nodes for a in _tensors(n) if a not in self.nodes]
        used = [*dict.fromkeys(used)]
        whole = self.arrays[self.nodes[0]].shape
        shape, strides = nest(whole, [a.expanded(whole) for a in used])
        at = {a: a.at(INDICES[: len(shape)], s) for a, s in zip(used, strides)}
        written = {self.arrays[n] for n in self.nodes}
        single = [a for a, s in zip(used, strides) if shape and not any(s) and a not in written]
        before = [f"const {CTYPES[a.dtype]} s{i} = {at[a]};" for i, a in enumerate(single)]  # loaded in the loop, it is no vector
        at |= {a: f"s{i}" for i, a in enumerate(single)}
        body: list[str] = []
        after: list[str] = []
        for node in self.nodes:
            text = element(node, lambda a, dtype: self.operand(a, dtype, at))
            if name_of(node.op) == "binary_cross_entropy":
                body += [f"outside |= !({a} >= 0 && {a} <= 1);" for a in (self.operand(x, None, at) for x in node.args[:2])]
                before, after = [*before, "int outside = 0;"], ["if (outside) return 2;"]
            if inside[node]:
                body.append(f"const {CTYPES[node.like.dtype]} v{node.index} = {text};")
            if node in kept:
                body.append(f"{at[self.arrays[node]]} = {f'v{node.index}' if inside[node] else text};")
        loops = looped(shape, body, simd="reduction(|:outside)" if after else "")
        return ["{", *(f"    {line}" for line in (*before, *loops, *after)), "}"] if before else loops

    def operand(self, a: object, dtype: torch.dtype | None, at: Mapping[Array, str]) -> str:
        """C for an argument within the loops."""
        if isinstance(a, (int, float)):
            return literal(a, dtype or torch.float64)
        if not isinstance(a, Node):
            raise Unplannable(f"native: no C for an argument {a!r}")
        if _is_literal(a):
            return self.operand(a.args[0], dtype or a.like.dtype, at)
        if a.spec is None:
            return self.numbers[a] if dtype == torch.float64 else f"({CTYPES[dtype or torch.float64]}){self.numbers[a]}"
        text = f"v{a.index}" if a in self.nodes else at[self.arrays[a]]
        return text if dtype in (None, a.like.dtype) else f"({CTYPES[dtype]}){text}"


def _tensors(node: Node) -> list[Node]:
    """The operands that are read from memory."""
    return [a for a in node.operands if a.spec is not None and not _is_literal(a)]


def _is_literal(node: Node) -> bool:
    """Whether a node is a constant number."""
    return node.is_number and isinstance(node.args[0], (int, float))


def copy(out: Array, source: Array) -> list[str]:
    """out = source, broadcast."""
    shape, (to, fro) = nest(out.shape, [out.stride, source.expanded(out.shape)])
    indices = INDICES[: len(shape)]
    return looped(shape, [f"{out.at(indices, to)} = {source.at(indices, fro)};"], simd="")
