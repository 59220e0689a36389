"""The operations of a step, one after another, in C."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import torch

from pure_mlp._compile.c.arrays import Array, Memory
from pure_mlp._compile.c.elements import host_number, is_element, literal
from pure_mlp._compile.c.loops import Run, copy
from pure_mlp._compile.c.products import Kernels, Product, matrix
from pure_mlp._compile.c.reductions import added, joined, largest, row_sum, scattered, selected, softmax, summed
from pure_mlp._compile.c.stacks import part, passing, sections
from pure_mlp._compile.graph import Node, Unplannable
from pure_mlp._compile.lowered import Lowered
from pure_mlp._compile.schema import is_view

_SILENT = ("batch", "carry", "const", "gather")
_PRODUCTS = {"gemm"} | {f"aten.{name}.default" for name in ("mm", "mv", "addmm", "addmv", "bmm", "baddbmm")}
_SUMS = {"aten.sum.default", "aten.mean.default", "aten.sum.dim_IntList", "aten.mean.dim"}
_TERMS = {"total": "X", "sqsum": "(double)X * X"}


class Printer:
    """Writes the lines of a step, and notes the functions they need."""

    def __init__(self, lowered: Lowered, memory: Memory, most: int) -> None:
        self.lowered = lowered
        self.kernels = Kernels(most)
        self.readers = Counter(a for node in lowered.order for a in node.operands)
        self.readers.update(lowered.outputs)
        products = (node for node in lowered.order if node.op in _PRODUCTS)
        given = (a for node in products for a in (*node.args, *node.kwargs.values()))
        self.factors = {a for a in given if isinstance(a, Node) and a.spec is None}
        self.numbers: dict[Node, str] = {}
        self.use(memory.arrays, [])

    def body(self) -> list[str]:
        """All lines. Raises `Unplannable` for an operation that has no C."""
        silent = {node for node in self.lowered.order if node.spec and (node.op in _SILENT or is_view(node.op))}
        for size, nodes in sections([node for node in self.lowered.order if node not in silent], self.arrays):
            if size > 1:
                self.stack(size, nodes)
            else:
                self.write(nodes)
        self.flush()
        self.end()
        return self.lines

    def stack(self, size: int, nodes: list[Node]) -> None:
        """The nodes in a loop over the first axis."""
        self.flush()
        whole, lines, near = self.arrays, self.lines, passing(nodes, self.lowered, self.arrays)
        every = {a for node in nodes for a in (node, *node.operands) if a in whole}
        self.use({a: part(whole[a], size, whole[a].name in near) for a in every}, [])
        self.write(nodes)
        self.flush()
        lines += [f"for (long e = 0; e < {size}; e++) {{", *(f"    {line}" for line in self.lines), "}"]
        self.use(whole, lines)

    def use(self, arrays: Mapping[Node, Array], lines: list[str]) -> None:
        """Go on with these arrays and lines."""
        self.arrays, self.lines, self.run = arrays, lines, Run(arrays, self.readers, self.numbers)

    def write(self, nodes: list[Node]) -> None:
        """One node after another; elementwise ones of one shape share a loop."""
        for node in nodes:
            if is_element(node) and node.spec is not None:
                if not self.run.accepts(node):
                    self.flush()
                if not self.run.accepts(node):
                    raise Unplannable(f"native: {node.op} reads what it overwrites")
                self.run.nodes.append(node)
            elif node.spec is None and node.op != "item":
                self.number(node)
            else:
                self.flush()
                self.other(node)

    def flush(self) -> None:
        """End the run of elementwise operations."""
        self.use(self.arrays, [*self.lines, *(self.run.lines() if self.run.nodes else [])])

    def number(self, node: Node) -> None:
        name = self.numbers[node] = f"n{node.index}"
        text = f"counts[{node.slot}]" if node.op == "carry" else host_number(node, self.value)
        self.lines.append(f"const double {name} = {text};")
        if node in self.factors:
            self.lines.append(f"if (!isfinite({name}) || {name} == 0) return 3;")

    def value(self, a: object, dtype: torch.dtype = torch.float64) -> str:
        if isinstance(a, Node):
            return self.numbers[a]
        if not isinstance(a, (int, float)):
            raise Unplannable(f"native: no C for a number {a!r}")
        return literal(a, dtype)

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
        elif node.op == "rowsum":
            self.lines += row_sum(out, tensors[0], self.factor(args[1]))
        elif node.op in _TERMS:
            self.lines += summed(out, tensors[0], range(len(tensors[0].shape)), _TERMS[node.op], self.factor(args[1]))
        elif node.op in _SUMS and node.kwargs.get("dtype") in (None, out.dtype):
            self.lines += self.sum(node, out, tensors[0])
        elif node.op == "aten.amax.default" and out.dtype.is_floating_point:
            self.lines += largest(out, tensors[0], self.axes(node, tensors[0]))
        elif node.op in ("aten._softmax.default", "aten._log_softmax.default") and args[2] is False:
            self.lines += softmax(out, tensors[0], self.axes(node, tensors[0])[0], "log" in node.op)
        elif node.op == "aten.scatter.value" and out.shape:
            self.lines += scattered(out, tensors[0], node.integer(1), tensors[1], self.value(args[3], out.dtype))
        elif node.op == "aten.index_select.default" and args[1] == 0 and len(out.shape) == 2:
            self.lines += selected(out, *tensors)
        elif node.op == "aten.index_add.default" and args[1] == 0 and len(out.shape) == 2 and not node.kwargs:
            self.lines += added(out, *tensors)
        elif node.op in ("aten.cat.default", "aten.stack.default"):
            self.lines += joined(out, tensors, node.integer(1, 0) % len(out.shape), new="stack" in node.op)
        else:
            raise Unplannable(f"native: no C for {node.op}")

    def factor(self, a: object) -> str:
        return "" if a == 1 else f" * {self.value(a)}"

    def sum(self, node: Node, out: Array, x: Array) -> list[str]:
        axes = self.axes(node, x)
        factor = f" / {math.prod(x.shape[a] for a in axes)}.0" if "mean" in node.op else ""
        if axes == [-2] and (len(x.shape), len(out.shape)) == (2, 1) and out.dtype.is_floating_point:
            return row_sum(out, x, factor)
        return summed(out, x, axes, "X", factor)

    def axes(self, node: Node, x: Array) -> list[int]:
        """The axes that an operation reduces, counted from the last one."""
        given, rank = node.args[1] if len(node.args) > 1 else None, len(node.operands[0].like.shape)
        axes = given if isinstance(given, tuple) else (given,)
        return [a - rank if a >= 0 else a for a in axes if isinstance(a, int)] or [-1 - d for d in range(len(x.shape))]

    def product(self, node: Node, out: Array, tensors: list[Array]) -> list[str]:
        adds = node.op.startswith(("aten.addm", "aten.baddbmm"))
        old, (a, b) = tensors[0] if adds else None, tensors[-2:]
        alpha, beta = node.kwargs.get("alpha", 1.0) if adds else (*node.args, 1.0)[2], node.kwargs.get("beta", 1.0)
        scale = [self.value(s, out.dtype) for s in (alpha, beta if adds else 0.0)]
        old = None if not isinstance(beta, Node) and beta == 0 else old
        if len(out.shape) == 3 and out.shape[0] == 1:  # a stack of one
            out, a, b = (part(x, 1, near=True) for x in (out, a, b))
            old = old if old is None or len(old.shape) < 3 else part(old, 1, near=True)
        if len(out.shape) > 2:
            raise Unplannable(f"native: no C for {node.op} of shapes {a.shape} and {b.shape}")
        return self.multiply(out, old, a, b, scale)

    def multiply(self, out: Array, old: Array | None, a: Array, b: Array, scale: list[str]) -> list[str]:
        target = matrix(out)
        before = None if old is None else matrix(old, (target.rows, target.columns)) if len(out.shape) == 2 else matrix(old)
        return self.kernels.call(Product(target, matrix(a), matrix(b), before, *scale))

    def end(self) -> None:
        """Copy the new leaves that were computed elsewhere into the carry, and write the loss."""
        of = self.lowered.places.of
        for leaf in self.lowered.leaves:
            node = self.lowered.outputs[leaf.slot]
            if leaf.spec is None and node is not leaf:
                self.lines.append(f"counts[{leaf.slot}] = {self.numbers[node]};")
            elif leaf.spec is not None and of.get(node) is not of[leaf]:
                self.lines += copy(self.arrays[leaf], self.arrays[node])
        loss = self.arrays[self.lowered.outputs[-1]]
        self.lines.append(f"*loss = {loss.name}[{loss.offset}];")
