"""The names of the values in a program's source, and the objects that they stand for."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableSequence

from torch import Tensor

from pure_mlp._compile.calls.blas import Address, address
from pure_mlp._compile.graph import Node
from pure_mlp._compile.lowered import Lowered
from pure_mlp._compile.schema import is_view, name_of, overload
from pure_mlp._compile.spec import Spec, spec_of


class Scope:
    """The lines so far, and the objects (cells) that the names in them stand for.

    numbers are the lines that come before all others: host arithmetic and addresses. known holds the memory of the
    values that have one; late the views that are made only where more than their address is needed.
    """

    def __init__(self, lowered: Lowered, counts: MutableSequence[float]) -> None:
        self.lowered, self.places = lowered, lowered.places
        self.lines: list[str] = []
        self.numbers: list[str] = []
        self.cells: dict[str, object] = {"counts": counts, "Tensor": Tensor}
        self.names: dict[Node, str] = {}
        self.known: dict[Node, Tensor] = {}
        self.late: dict[Node, str] = {}
        self.exposed: set[Node] = set()
        self.buffer_names: dict[int, str] = {id(b): f"b{i}" for i, b in enumerate(self.places.buffers)}

    def line(self, text: str) -> None:
        self.lines.append(text)

    def cell(self, name: str, value: object) -> str:
        """A name for a value; the name itself unless it stands for another value already."""
        free, i = name, 1
        while free in self.cells and self.cells[free] is not value and (isinstance(value, Tensor) or self.cells[free] != value):
            free, i = f"{name}{i}", i + 1
        self.cells[free] = value
        return free

    def bind(self, node: Node, t: Tensor) -> None:
        """Give a value this memory."""
        if node.op in ("carry", "slice"):
            self.buffer_names.setdefault(id(t), self.lowered.names[node])
        label = self.buffer_names.setdefault(id(t), f"{'k' if node.op == 'const' else 'g'}{node.index}")
        self.known[node] = t.detach() if node.op == "const" else t
        self.names[node] = self.cell(label, self.known[node])

    def assign(self, node: Node, expression: str, lines: list[str] | None = None) -> None:
        """Append a line that gives the value a name of its own, by default to the lines of the program."""
        self.names[node] = f"{'n' if node.spec is None else 'v'}{node.index}"
        (self.lines if lines is None else lines).append(f"{self.names[node]} = {expression}")

    def view(self, node: Node) -> None:
        """A view: of the program's own memory, made once; of a batch, made in the step if more than its address is
        needed.
        """
        if node in self.places.of:
            return
        base, func = node.operands[0], overload(node.op)
        if node.op == "slice":
            start = node.integer(1)
            self.known[node] = self.known[base][start : start + math.prod(node.like.shape)].view(node.like.shape)
            self.names[node] = self.cell(self.lowered.names[node], self.known[node])
        elif func is None or base not in self.known:
            self.assign(node, f"{self.cell(name_of(node.op), func)}({self.arguments(node.args, node.kwargs)})")
        else:
            self.known[node] = func(self.known[base], *node.args[1:], **node.kwargs)
            label = f"{self.label(base)}_{name_of(node.op).strip('_')}{node.index}"
            if self.root(node).op == "batch":
                self.late[node] = label
            else:
                self.names[node] = self.cell(label, self.known[node])

    def root(self, node: Node) -> Node:
        """The node whose memory a view shows, behind all views."""
        while is_view(node.op):
            node = node.operands[0]
        return node

    def layout(self, node: Node) -> Spec:
        """The spec of a node in its memory."""
        return spec_of(self.known[node]) if node in self.known else node.like

    def address(self, node: Node) -> Address | None:
        """The address of a tensor of the program, or of a batch, whose address each step sets; None for others."""
        if node not in self.known or not self.known[node].is_cpu:
            return None
        t, base = self.known[node], self.root(node)
        if base.op == "batch":
            offset = t.data_ptr() - self.known[base].data_ptr()
            x = self.names[base]
            name = f"{x}_at{offset or ''}"
            if name not in self.cells:
                self.cells[name] = Address()
                self.exposed.add(base)
                self.numbers.append(f"{name}.value = {x}_ptr{f' + {offset}' if offset else ''}")
            cell = self.cells[name]
            return cell if isinstance(cell, Address) else None
        return address(t) if t.data_ptr() and not t.is_neg() and type(t) is Tensor else None

    def rows(self, c: Node, out: Tensor) -> object:
        """A bias as a matrix of equal rows, made once: otherwise each call expands it."""
        if c.op == "batch" or c not in self.places.of or c.like.shape == tuple(out.shape):
            return c
        return _Cell(self.cell(f"{self.name(c)}_rows", self.known[c].expand(*out.shape)))

    def label(self, node: Node) -> str:
        """The name of a value in a comment."""
        return self.names.get(node) or self.late[node]

    def name(self, node: Node) -> str:
        """The name of a value."""
        if node in self.late:
            base = node.operands[0]
            func = self.cell(name_of(node.op), overload(node.op))
            self.line(f"{self.late[node]} = {func}({self.arguments((base, *node.args[1:]), node.kwargs)})")
            self.names[node] = self.late.pop(node)
        return self.names[node]

    def arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
        """Arguments in Python."""
        plain = [(k, a) for k, a in kwargs.items() if not (k in ("alpha", "beta", "value") and a == 1)]
        return ", ".join([*map(self.text, args), *(f"{k}={self.text(a)}" for k, a in plain)])

    def text(self, a: object) -> str:
        """An argument in Python."""
        if isinstance(a, Node):
            return self.name(a)
        if isinstance(a, _Cell):
            return str(a)
        if isinstance(a, tuple):
            return f"[{', '.join(map(self.text, a))}]"
        if a is None or isinstance(a, (bool, int, str)) or (isinstance(a, float) and math.isfinite(a)):
            return repr(a)
        return self.cell(f"k_{type(a).__name__}", a)


class _Cell(str):
    """The name of a cell, as an argument."""
