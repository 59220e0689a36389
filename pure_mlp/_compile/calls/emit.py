"""The program as straight-line Python: calls that write into given memory, nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableSequence
from typing import cast

from torch import Tensor

from pure_mlp._compile.calls.blas import Address, address
from pure_mlp._compile.calls.onednn import Reference
from pure_mlp._compile.calls.write import write
from pure_mlp._compile.graph import Node, is_view, overload
from pure_mlp._compile.host import HOST, INFIX
from pure_mlp._compile.passes.place import Places
from pure_mlp._compile.passes.schedule import root

Run = Callable[..., Tensor | None]


class Emitter:
    """Lines of source, and the cells that the names in them stand for."""

    def __init__(self, places: Places, counts: MutableSequence[float], names: Mapping[Node, str]) -> None:
        self.places = places
        self.lines: list[str] = []
        self.cells: dict[str, object] = {"counts": counts}
        self.names: dict[Node, str] = {}
        self.stable: dict[Node, Tensor] = {}
        self.named = names
        self.referred: set[str] = set()
        self.exposed: set[Node] = set()
        self.buffer_names: dict[int, str] = {id(b): f"b{i}" for i, b in enumerate(places.buffers)}

    def program(self, order: list[Node], outputs: list[Node], leaves: list[Node]) -> tuple[Run, str]:
        """The function of the batch's tensors, which returns the loss, or None for a batch of other specs; and its source."""
        batch = sorted((node for node in order if node.op == "batch"), key=lambda node: int(str(node.args[0])))
        parameters = [self.named[node] for node in batch]
        self.names.update(zip(batch, parameters))
        for node in order:
            self.emit(node)
        for leaf in leaves:
            node = outputs[int(str(leaf.args[0]))]
            if leaf.spec is None and node is not leaf:
                self.lines.append(f"counts[{leaf.args[0]}] = {self.names[node]}")
            elif leaf.spec is not None and self.places.of.get(node) is not self.places.of[leaf]:
                self.lines.append(f"{self.cell(f'{self.names[leaf]}_copy_', self.places.of[leaf].copy_)}({self.names[node]})")
        self.lines.append(f"return {self.names[outputs[-1]]}")
        lines = [*map(self.guard, batch), *self.lines]
        source = f"def step({', '.join(parameters)}):\n" + "".join(f"    {line}\n" for line in lines)
        body = source.replace("\n    ", "\n        ").rstrip()
        scope: dict[str, Callable[..., Run]] = {}
        exec(f"def make({', '.join(self.cells)}):\n    {body}\n    return step\n", scope)
        return scope["make"](**self.cells), source

    def guard(self, node: Node) -> str:
        """Only tensors of these specs go on; where their memory is read past torch, only those that lie there as they are."""
        x, spec = self.named[node], node.like
        shape, stride, dtype = (self.cell(f"{x}_{k}", v) for k, v in zip(("shape", "stride", "dtype"), spec[:3]))
        plain = f" or not {x}.is_cpu or {x}.is_neg() or not ({x}_ptr := {x}.data_ptr())" if node in self.exposed else ""
        return f"if {x}.shape != {shape} or {x}.stride() != {stride} or {x}.dtype is not {dtype}{plain}: return None"

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
            write(self, node, self.places.of[node])
        else:
            func = overload(node.op)
            self.assign(node, "v", f"{self.cell(node.op.split('.')[1], func)}({self.arguments(node.args, node.kwargs)})")

    def bind(self, node: Node, t: Tensor) -> None:
        if node.op == "const":
            self.buffer_names.setdefault(id(t), f"k{node.index}")
        elif node.op in ("carry", "slice"):
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
            if node in self.places.of:
                return
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

    def reference(self, node: Node) -> str:
        """What names this node's tensor for C++: a cell where the tensor is always the same, else made at each step."""
        name = f"{self.names[node]}_ref"
        if node in self.stable:
            self.cells.setdefault(name, Reference(self.stable[node]))
        elif name not in self.referred:
            self.lines.append(f"{name} = {self.cell('Reference', Reference)}({self.names[node]})")
            self.referred.add(name)
            self.exposed.add(root(node))
        return name

    def address(self, node: Node) -> Address:
        """Where this node's tensor lies; set at each step where that is not always the same."""
        if node in self.stable:
            return address(self.stable[node])
        name = f"{self.names[node]}_at"
        if name not in self.cells:
            self.cells[name] = Address()
            x = self.names[node]
            self.lines.append(f"{name}.value = {x}_ptr" if node.op == "batch" else f"{name}.value = {x}.data_ptr()")
            self.exposed.add(root(node))
        return cast(Address, self.cells[name])

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
