"""What the lines of a program are printed with: guards, calls that write into given memory, factors and scratch memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableSequence

import torch
from torch import Tensor

from pure_mlp._compile.calls.blas import LETTER, Address, Arguments, Real, Routine, address, factor, real
from pure_mlp._compile.calls.outs import out_form
from pure_mlp._compile.calls.scope import Scope
from pure_mlp._compile.graph import Node
from pure_mlp._compile.lowered import Lowered
from pure_mlp._compile.numbers import ARITHMETIC
from pure_mlp._compile.operations import operation
from pure_mlp._compile.schema import name_of


class Emitter(Scope):
    """Prints the lines of a program, and the guards before them."""

    def __init__(self, lowered: Lowered, counts: MutableSequence[float]) -> None:
        super().__init__(lowered, counts)
        self.guarded: dict[str, None] = {}
        self.factors: dict[str, Real] = {}

    def guard(self, node: Node) -> str:
        """Return None for all but plain tensors of these specs; where BLAS reads their memory, for lazy negatives and
        tensors without memory too.
        """
        x, spec = self.lowered.names[node], node.like
        shape, stride, dtype = (self.cell(f"{x}_{k}", v) for k, v in zip(("shape", "stride", "dtype"), spec[:3]))
        test = f"type({x}) is not Tensor or {x}.shape != {shape} or {x}.stride() != {stride} or {x}.dtype is not {dtype}"
        tape = f"{x}.requires_grad" + (f" or not {x}.is_cpu" if spec.device.type == "cpu" else "")
        pointer = f" or {x}.is_neg() or not ({x}_ptr := {x}.data_ptr())" if node in self.exposed else ""
        return f"if {test} or {tape}{pointer}: return None"

    def guard_constants(self) -> list[str]:
        """Return None once a tensor that the step captures has other memory or another layout."""
        lines = []
        for i, (t, place) in enumerate(self.lowered.captured):
            x, known = self.cell(f"captured{i}", t), self.cell(f"captured{i}_place", place)
            lines.append(f"if ({x}.data_ptr(), {x}.shape, {x}.stride()) != {known}: return None")
        return lines

    def guard_numbers(self) -> list[str]:
        """Return None where the factor of a product is 0, for which BLAS skips the product, infinite or NaN."""
        return [f"if {' or '.join(f'not {n} or {n} - {n}' for n in self.guarded)}: return None"] if self.guarded else []

    def operation(self, node: Node, out: Tensor) -> None:
        """An elementwise operation: the in-place method of the first operand if that is in the memory of `out`; else
        a call with `out=`.
        """
        first, form, name = node.args[0] if node.args else None, out_form(node.op), name_of(node.op)
        if node.op == "fill":
            self.method(node, "fill_", node.args, {})
        elif name in ("clone", "_to_copy"):
            self.method(node, "copy_", node.args[:1], {})
        elif node.op == "log_sigmoid":
            forward = self.cell(name, torch.ops.aten.log_sigmoid_forward.output)
            scratch = self.scratch(node)
            self.line(f"{forward}({self.text(first)}, output={self.name(node)}, buffer={scratch})")
        elif operation(node.op).method and isinstance(first, Node) and self.places.of.get(first) is out:
            self.method(node, f"{name}_", node.args[1:], node.kwargs)
        elif form is None:
            self.method(node, "copy_", node.args[:1], {})
            self.method(node, f"{name}_", node.args[1:], node.kwargs)
        else:
            self.call(form.call, node.args, node, {k: v for k, v in node.kwargs.items() if k in form.takes}, form.out)

    def call(
        self, function: Callable[..., object], args: tuple[object, ...], node: Node, kwargs: Mapping[str, object], out: str = "out"
    ) -> None:
        """A function of torch's that writes into the memory of the node."""
        label = self.cell(name_of(node.op).split(".")[0], function)
        self.line(f"{label}({self.arguments(args, kwargs)}, {out}={self.name(node)})")

    def method(self, node: Node, method: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        """A method of the node's tensor that changes it in place."""
        call = f"{self.name(node)}_{method}"
        self.cells.setdefault(call, getattr(self.places.of[node], method))
        self.line(f"{call}({self.arguments(args, kwargs)})")

    def blas(self, name: str, node: Node, f: Routine, arguments: Arguments, alpha: object, value: str, kept: object = 0.0) -> None:
        """A call of a BLAS subroutine, with a comment that says what it computes."""
        given, out = f"p{len(self.lines)}", self.name(node)
        self.cells[given] = arguments
        times = "" if alpha == 1 else f"{self.text(alpha)} * "
        old = "" if kept in (0, 1) else f"{self.text(kept)} * {out} + "
        call = self.cell(f"{LETTER[node.like.dtype]}{name}", f)
        self.line(f"{call}(*{given})  # {out} {'+=' if kept == 1 else '='} {old}{times}{value}")

    def scale(self, c: object, dtype: torch.dtype, *, zero: bool = False) -> object:
        """The address of a factor; where it is a host number, each step writes it there."""
        if isinstance(c, Node):
            self.checked(c)
            name = f"{self.names[c]}_{LETTER[dtype]}"
            if name not in self.cells:
                self.factors[name] = self.cells[name] = real(dtype)
                self.numbers.append(f"{name}.value = {self.names[c]}")
            return factor(self.factors[name], dtype)
        if not isinstance(c, (int, float)) or not math.isfinite(c) or (not c and not zero):
            raise TypeError(f"{c!r} is no factor for BLAS")
        return factor(c, dtype)

    def checked(self, *factors: object) -> None:
        """Make the program return None at its start where one of these factors is 0, infinite or NaN."""
        self.guarded.update((self.names[c], None) for c in factors if isinstance(c, Node))

    def ones(self, n: int, dtype: torch.dtype) -> Address:
        """The address of n ones."""
        name = f"ones_{LETTER[dtype]}{n}"
        cell = self.cells.setdefault(name, address(torch.ones(n, dtype=dtype)))
        return cell if isinstance(cell, Address) else Address()

    def scratch(self, node: Node) -> str:
        """A buffer of the spec of a node, shared by all nodes of that spec."""
        t = self.layout(node)
        name = f"scratch_{'_'.join(map(str, t.shape))}{'' if t.dtype == torch.float32 else str(t.dtype)[6:]}"
        if name not in self.cells:
            self.places.buffers.append(torch.empty(t.shape, dtype=t.dtype, device=t.device))
            self.cells[name] = self.places.buffers[-1]
        return name

    def number(self, node: Node, name: str) -> None:
        args = [self.text(a) for a in node.args]
        row = ARITHMETIC[name]
        text = f"{args[0]} {row.infix} {args[1]}" if row.infix else f"{self.cell('host_' + name, row.python)}({', '.join(args)})"
        self.assign(node, text, self.numbers)
