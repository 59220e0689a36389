"""Where each value is stored in C: a pointer, and a constant offset, shape and strides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pure_mlp._compile.graph import Node, Unplannable
from pure_mlp._compile.lowered import Lowered
from pure_mlp._compile.schema import is_view, overload

CTYPES = {torch.float32: "float", torch.float64: "double", torch.int64: "int64_t", torch.bool: "_Bool"}


class Array(NamedTuple):
    """Elements of the memory `name`, from `offset` on; strides in elements."""

    name: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    @property
    def pointer(self) -> str:
        """C for the address of the first element."""
        return f"{self.name} + {self.offset}" if self.offset else self.name

    def at(self, indices: Sequence[str], strides: Sequence[int]) -> str:
        """C for the element at these indices, with these strides."""
        terms = [i if s == 1 else f"{s}*{i}" for i, s in zip(indices, strides) if s]
        return f"{self.name}[{' + '.join([*terms, *([str(self.offset)] if self.offset or not terms else [])])}]"

    def expanded(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The strides of this array when it is broadcast to a larger shape."""
        lead = len(shape) - len(self.shape)
        return (0,) * lead + tuple(0 if n == 1 else s for n, s in zip(self.shape, self.stride))

    def grown(self, shape: tuple[int, ...]) -> Array:
        """The same elements broadcast to a shape."""
        return self._replace(shape=shape, stride=self.expanded(shape))

    def part(self, index: str) -> Array:
        """The slice of the first axis at this loop variable."""
        name = f"({self.name} + {self.stride[0]}*{index})" if self.stride[0] else self.name
        return self._replace(name=name, shape=self.shape[1:], stride=self.stride[1:])

    def overlaps(self, other: Array) -> bool:
        """Whether the two may have an element in common."""
        ends = [x.offset + sum((n - 1) * s for n, s in zip(x.shape, x.stride)) for x in (self, other)]
        full = math.prod(self.shape) and math.prod(other.shape)
        return bool(self.name == other.name and full and self.offset <= ends[1] and other.offset <= ends[0])


class Memory(NamedTuple):
    """The array of every tensor of a program, the memory behind each name, and the names of the batch in order."""

    arrays: dict[Node, Array]
    tensors: dict[str, Tensor]
    batch: list[Node]
    names: list[str]


def arrays_of(lowered: Lowered) -> Memory:
    """Arrays for a lowered step. Raises `Unplannable` for dtypes that C lacks, other devices, lazy negatives, and
    values without memory.
    """
    tensors: dict[Node, Tensor] = {}
    named: dict[tuple[int, torch.dtype], str] = {}
    memory = Memory({}, {}, [], [])
    for node in lowered.order:
        if node.spec is None:
            continue
        if node.like.dtype not in CTYPES or node.like.device.type != "cpu":
            raise Unplannable(f"native: no C for {node.like.dtype} on {node.like.device}, of {node.op}")
        t = tensors[node] = _tensor(node, lowered, tensors)
        if t.is_neg():
            raise Unplannable(f"native: a captured tensor {tuple(t.shape)} is a lazy negative: `resolve_neg()` it")
        if t.numel() and not t.data_ptr():
            raise Unplannable(f"native: a {type(t).__name__} {tuple(t.shape)} has no memory of its own")
        key = (t.untyped_storage().data_ptr() or -node.index - 1, t.dtype)  # an empty one has no address
        if key not in named:
            named[key] = _name(node, lowered, [*memory.tensors, *memory.names])
            if node.op == "batch":
                memory.batch.append(node)
                memory.names.append(named[key])
            else:
                memory.tensors[named[key]] = t
        memory.arrays[node] = Array(named[key], _offset(t), tuple(t.shape), tuple(t.stride()), t.dtype)
    return memory


def _tensor(node: Node, lowered: Lowered, tensors: dict[Node, Tensor]) -> Tensor:
    """A tensor with the layout of the value; for a batch, without its numbers."""
    if node in lowered.places.of:
        return lowered.places.of[node]
    if node.op == "batch":
        return torch.empty_strided(node.like.shape, node.like.stride, dtype=node.like.dtype)
    base, func = node.operands[0] if node.operands else None, overload(node.op)
    if base in tensors and node.op == "slice":
        start = node.integer(1)
        return tensors[base][start : start + math.prod(node.like.shape)].view(node.like.shape)
    if base in tensors and is_view(node.op) and func is not None:
        view: Tensor = func(tensors[base], *node.args[1:], **node.kwargs)
        return view
    raise Unplannable(f"native: no C for {node.op}")


def _name(node: Node, lowered: Lowered, taken: Iterable[str]) -> str:
    name = lowered.names.get(node) or (f"k{node.index}" if node.op == "const" else f"b{node.index}")
    return name if name not in taken else f"{name}_{node.index}"


def _offset(t: Tensor) -> int:
    """How many elements of its memory come before the tensor's first one."""
    return (t.data_ptr() - t.untyped_storage().data_ptr()) // t.element_size()
