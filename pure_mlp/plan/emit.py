"""The program as straight-line Python: calls that write into given memory, nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableSequence
from typing import cast

import torch
from torch import Tensor

from pure_mlp.plan.graph import Node, is_view, overload
from pure_mlp.plan.host import HOST, INFIX
from pure_mlp.plan.memory import Places
from pure_mlp.plan.outs import in_place, out_form

Run = Callable[..., Tensor | None]


def square_sum(d: Tensor, factor: float) -> Tensor:
    """factor times the sum of the squares, for a tensor whose memory is not the program's.

    >>> square_sum(torch.tensor([3.0, 4.0]), 2.0)
    tensor(50.)
    """
    return d.square().sum() * factor


class Emitter:
    """Lines of source, and the cells that the names in them stand for."""

    def __init__(self, places: Places, counts: MutableSequence[float], names: Mapping[Node, str]) -> None:
        self.places = places
        self.lines: list[str] = []
        self.cells: dict[str, object] = {"counts": counts}
        self.names: dict[Node, str] = {}
        self.stable: dict[Node, Tensor] = {}
        self.named = names
        self.buffer_names: dict[int, str] = {id(b): f"b{i}" for i, b in enumerate(places.buffers)}

    def program(self, order: list[Node], outputs: list[Node], leaves: list[Node]) -> tuple[Run, str]:
        """The function of the batch's tensors, which returns the loss, or None for a batch of other specs; and its source."""
        batch = sorted((node for node in order if node.op == "batch"), key=lambda node: int(str(node.args[0])))
        parameters = [self.named[node] for node in batch]
        for node in batch:
            self.guard(node)
        for node in order:
            self.emit(node)
        for leaf in leaves:
            node = outputs[int(str(leaf.args[0]))]
            if leaf.spec is None and node is not leaf:
                self.lines.append(f"counts[{leaf.args[0]}] = {self.names[node]}")
            elif leaf.spec is not None and self.places.of.get(node) is not self.places.of[leaf]:
                self.lines.append(f"{self.cell(f'{self.names[leaf]}_copy_', self.places.of[leaf].copy_)}({self.names[node]})")
        self.lines.append(f"return {self.names[outputs[-1]]}")
        source = f"def step({', '.join(parameters)}):\n" + "".join(f"    {line}\n" for line in self.lines)
        body = source.replace("\n    ", "\n        ").rstrip()
        scope: dict[str, Callable[..., Run]] = {}
        exec(f"def make({', '.join(self.cells)}):\n    {body}\n    return step\n", scope)
        return scope["make"](**self.cells), source

    def guard(self, node: Node) -> None:
        x, spec = self.named[node], node.like
        shape, stride, dtype = (self.cell(f"{x}_{k}", v) for k, v in zip(("shape", "stride", "dtype"), spec[:3]))
        self.lines.append(f"if {x}.shape != {shape} or {x}.stride() != {stride} or {x}.dtype is not {dtype}: return None")
        self.names[node] = x

    def cell(self, name: str, value: object) -> str:
        """A name for a value; the name itself unless it stands for another value already."""
        free, i = name, 1
        while free in self.cells and self.cells[free] is not value and (isinstance(value, Tensor) or self.cells[free] != value):
            free, i = f"{name}{i}", i + 1
        self.cells[free] = value
        return free

    def emit(self, node: Node) -> None:
        if node in self.places.of:
            self.bind(node, self.places.of[node])
        if node.op in ("batch", "const", "gather") or (node.op == "carry" and node.spec is not None):
            return
        if node.op == "carry":
            self.assign(node, "n", f"counts[{node.args[0]}]")
        elif node.op == "item":
            self.assign(node, "n", f"{self.argument(node.args[0])}.item()")
        elif node.op.startswith("host."):
            self.host(node, node.op[5:])
        elif is_view(node.op):
            self.view(node)
        elif node.op == "getitem":
            self.assign(node, "v", f"{self.argument(node.args[0])}[{node.args[1]}]")
        elif node in self.places.of:
            self.write(node, self.places.of[node], self.names[node])
        else:
            func = overload(node.op)
            self.assign(node, "v", f"{self.cell(node.op.split('.')[1], func)}({self.arguments(node.args, node.kwargs)})")

    def bind(self, node: Node, t: Tensor) -> None:
        if node.op == "const":
            self.buffer_names.setdefault(id(t), f"k{node.index}")
        elif node.op == "carry":
            self.buffer_names.setdefault(id(t), self.named[node])
        self.buffer_names.setdefault(id(t), f"g{node.index}")
        self.names[node] = self.cell(self.buffer_names[id(t)], t) if node.op != "const" else self.constant(node, t)
        self.stable[node] = t

    def constant(self, node: Node, t: Tensor) -> str:
        name = self.buffer_names[id(t)]
        self.cells[name] = t
        return name

    def assign(self, node: Node, prefix: str, expression: str) -> None:
        self.names[node] = f"{prefix}{node.index}"
        self.lines.append(f"{self.names[node]} = {expression}")

    def host(self, node: Node, name: str) -> None:
        args = [self.argument(a) for a in node.args]
        if name in INFIX:
            self.assign(node, "n", f"{args[0]} {INFIX[name]} {args[1]}")
        else:
            self.assign(node, "n", f"{self.cell('host_' + name, HOST[name])}({', '.join(args)})")

    def view(self, node: Node) -> None:
        base, func = cast(Node, node.args[0]), overload(node.op)
        if node.op == "slice":
            start, size = int(str(node.args[1])), math.prod(node.like.shape)
            self.stable[node] = self.stable[base][start : start + size].view(node.like.shape)
            self.names[node] = self.cell(self.named[node], self.stable[node])
            return
        name = node.op.split(".")[1].strip("_")
        if base.spec == node.spec and base in self.names:
            self.names[node] = self.names[base]
            if base in self.stable:
                self.stable[node] = self.stable[base]
        elif base in self.stable and func is not None:
            self.stable[node] = func(self.stable[base], *node.args[1:], **node.kwargs)
            self.names[node] = f"{self.names[base]}_{name}{'' if name == 't' else node.index}"
            self.cells[self.names[node]] = self.stable[node]
        else:
            self.assign(node, "v", f"{self.cell(name, func)}({self.arguments(node.args, node.kwargs)})")

    def write(self, node: Node, out: Tensor, name: str) -> None:
        args, kwargs = node.args, node.kwargs
        if node.op in ("gemm", "gemv"):
            plain, method = ("mm", "addmm_") if node.op == "gemm" else ("mv", "addmv_")
            if args[2] == 1:
                self.lines.append(f"{self.cell(plain, getattr(torch, plain))}({self.arguments(args[:2], {})}, out={name})")
            else:
                self.method(name, out, method, args[:2], {"beta": 0.0, "alpha": args[2]})
        elif node.op == "sqsum":
            self.square_sum(name, out, cast(Node, args[0]), args[1] if len(args) > 1 else 1.0)
        elif node.op == "fill":
            self.method(name, out, "fill_", args, {})
        elif node.op in ("aten.clone.default", "aten._to_copy.default"):
            self.method(name, out, "copy_", args[:1], {})
        else:
            update, form = in_place(node.op), out_form(node.op)
            first = args[0] if args else None
            if update and isinstance(first, Node) and self.places.of.get(first) is out and form is not None:
                self.method(name, out, update, args[1:], kwargs)
            elif form is not None:
                function = self.cell(node.op.split(".")[1], form.call)
                taken = {k: v for k, v in kwargs.items() if k in form.takes}
                self.lines.append(f"{function}({self.arguments(args, taken)}, {form.out}={name})")

    def square_sum(self, name: str, out: Tensor, d: Node, factor: object) -> None:
        n = math.prod(d.like.shape)
        if d not in self.stable or not self.stable[d].is_contiguous():
            copy, square = self.cell(f"{name}_copy_", out.copy_), self.cell("square_sum", square_sum)
            self.lines.append(f"{copy}({square}({self.names[d]}, {self.argument(factor)}))")
            return
        flat = self.cell(f"{self.names[d]}_flat", self.stable[d].view(n))
        row = self.cell(f"{self.names[d]}_row", self.stable[d].view(1, n))
        call = self.cell(f"{name}_addmv_", out.view(1).addmv_)
        self.lines.append(f"{call}({row}, {flat}, beta=0.0, alpha={self.argument(factor)})")

    def method(self, name: str, out: Tensor, method: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        call = f"{name}_{method}"
        self.cells.setdefault(call, getattr(out, method))
        self.lines.append(f"{call}({self.arguments(args, kwargs)})")

    def arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
        plain = [(k, a) for k, a in kwargs.items() if not (k in ("alpha", "beta", "value") and a == 1)]
        return ", ".join([*map(self.argument, args), *(f"{k}={self.argument(a)}" for k, a in plain)])

    def argument(self, a: object) -> str:
        if isinstance(a, Node):
            return self.names[a]
        if isinstance(a, tuple):
            return f"[{', '.join(map(self.argument, a))}]"
        if a is None or isinstance(a, (bool, int, str)) or (isinstance(a, float) and math.isfinite(a)):
            return repr(a)
        return self.cell(f"k_{type(a).__name__}", a)
