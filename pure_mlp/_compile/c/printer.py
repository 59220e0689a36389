"""The operations of a step, one after another, in C."""

from __future__ import annotations

from collections import Counter

import torch

from pure_mlp._compile.c.arrays import Array, Memory
from pure_mlp._compile.c.elements import host_number, is_element, literal
from pure_mlp._compile.c.loops import Run, copy
from pure_mlp._compile.c.products import Kernels, Product, matrix
from pure_mlp._compile.c.reductions import joined, scattered, softmax, summed
from pure_mlp._compile.graph import Node, Unplannable, is_view
from pure_mlp._compile.lower import Lowered

_SILENT = ("batch", "carry", "const", "gather")
_MOST = 64
_PRODUCTS = {"gemm", "gemv"} | {f"aten.{name}.default" for name in ("mm", "mv", "addmm", "addmv", "bmm", "baddbmm")}
_SUMS = {"aten.sum.default", "aten.mean.default", "aten.sum.dim_IntList", "aten.mean.dim"}


class Printer:
    """Writes the lines of a step, and notes the functions they need."""

    def __init__(self, lowered: Lowered, memory: Memory, blas: bool) -> None:
        self.lowered, self.arrays, self.use_blas = lowered, memory.arrays, blas
        self.kernels = Kernels()
        self.readers = Counter(a for node in lowered.order for a in node.operands)
        self.readers.update(lowered.outputs)
        self.numbers: dict[Node, str] = {}
        self.lines: list[str] = []
        self.run = Run(self.arrays, self.readers, self.numbers)

    def body(self) -> list[str]:
        """All lines. Raises `Unplannable` for an operation that has no C."""
        for node in self.lowered.order:
            if is_element(node) and node.spec is not None:
                if not self.run.accepts(node):
                    self.flush()
                if not self.run.accepts(node):
                    raise Unplannable(f"native: {node.op} reads what it overwrites")
                self.run.nodes.append(node)
            elif node.spec is None and node.op != "item":
                self.number(node)
            elif node.op not in _SILENT and not is_view(node.op):
                self.flush()
                self.other(node)
        self.flush()
        self.end()
        return self.lines

    def flush(self) -> None:
        """End the run of elementwise operations."""
        self.lines += self.run.lines() if self.run.nodes else []
        self.run = Run(self.arrays, self.readers, self.numbers)

    def number(self, node: Node) -> None:
        self.numbers[node] = f"n{node.index}"
        text = f"counts[{node.args[0]}]" if node.op == "carry" else host_number(node, self.value)
        self.lines.append(f"const double n{node.index} = {text};")

    def value(self, a: object, dtype: torch.dtype = torch.float64) -> str:
        return self.numbers[a] if isinstance(a, Node) else literal(float(str(a)), dtype)

    def other(self, node: Node) -> None:
        args, out = node.args, self.arrays.get(node)
        tensors = [self.arrays[a] for a in node.operands if a in self.arrays]
        if node.op == "item":
            self.numbers[node] = f"n{node.index}"
            self.lines.append(f"const double n{node.index} = {tensors[0].name}[{tensors[0].offset}];")
        elif out is None:
            raise Unplannable(f"native: no C for {node.op}")
        elif node.op == "fill":
            self.lines.append(f"{out.name}[{out.offset}] = {self.value(args[0])};")
        elif node.op in _PRODUCTS:
            self.lines += self.product(node, out, tensors)
        elif node.op == "sqsum":
            x = tensors[0]
            factor = f" * {self.value(args[1])}" if len(args) > 1 else ""
            self.lines += summed(out, x, range(len(x.shape)), "(double)X * X" if x.dtype == torch.float32 else "X * X", factor)
        elif node.op in _SUMS and node.kwargs.get("dtype") in (None, out.dtype):
            self.lines += self.sum(node, out, tensors[0])
        elif node.op in ("aten._softmax.default", "aten._log_softmax.default") and args[2] is False:
            self.lines += softmax(out, tensors[0], int(str(args[1])), "log" in node.op)
        elif node.op == "aten.scatter.value" and out.shape:
            value = literal(float(str(args[3])), out.dtype)
            self.lines += scattered(out, tensors[0], int(str(args[1])), tensors[1], value)
        elif node.op in ("aten.cat.default", "aten.stack.default"):
            self.lines += joined(out, tensors, int(str((*args, 0)[1])) % len(out.shape), new="stack" in node.op)
        else:
            raise Unplannable(f"native: no C for {node.op}")

    def sum(self, node: Node, out: Array, x: Array) -> list[str]:
        given = node.args[1] if len(node.args) > 1 else None
        axes = [int(str(a)) for a in given] if isinstance(given, tuple) and given else [*range(len(x.shape))]
        count = 1
        for a in axes:
            count *= x.shape[a]
        return summed(out, x, axes, "X", f" / {count}.0" if "mean" in node.op else "")

    def product(self, node: Node, out: Array, tensors: list[Array]) -> list[str]:
        adds = node.op.startswith(("aten.addm", "aten.baddbmm"))
        old, (a, b) = tensors[0] if adds else None, tensors[-2:]
        alpha, beta = node.kwargs.get("alpha", 1.0) if adds else (*node.args, 1.0)[2], node.kwargs.get("beta", 1.0)
        scale = [self.value(s, out.dtype) for s in (alpha, beta if adds else 0.0)]
        old = None if not isinstance(beta, Node) and beta == 0 else old
        if len(out.shape) == 3:
            if {len(x.shape) for x in (out, a, b)} != {3} or out.shape[0] > _MOST:
                raise Unplannable(f"native: no C for {node.op} of {out.shape[0]} products")
            lines: list[str] = []
            for i in range(out.shape[0]):
                before = None if old is None else old.grown(out.shape).part(i)
                lines += self.multiply(out.part(i), before, a.part(i), b.part(i), scale)
            return lines
        return self.multiply(out, old, a, b, scale)

    def multiply(self, out: Array, old: Array | None, a: Array, b: Array, scale: list[str]) -> list[str]:
        target = matrix(out)
        before = None if old is None else matrix(old, (target.rows, target.columns)) if len(out.shape) == 2 else matrix(old)
        return self.kernels.call(Product(target, matrix(a), matrix(b), before, *scale), self.use_blas)

    def end(self) -> None:
        """The new leaves that were computed elsewhere go home, and the loss goes out."""
        of = self.lowered.places.of
        for leaf in self.lowered.slots:
            node = self.lowered.outputs[int(str(leaf.args[0]))]
            if leaf.spec is None and node is not leaf:
                self.lines.append(f"counts[{leaf.args[0]}] = {self.numbers[node]};")
            elif leaf.spec is not None and of.get(node) is not of[leaf]:
                self.lines += copy(self.arrays[leaf], self.arrays[node])
        loss = self.arrays[self.lowered.outputs[-1]]
        self.lines.append(f"*loss = {loss.name}[{loss.offset}];")
