"""A step as a graph: nodes are values, arguments are edges, equal computations are one node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

import attrs
import torch
from torch import Tensor
from torch._ops import OpOverload


class Unplannable(Exception):
    """The step does something that a flat program cannot repeat."""


class Spec(NamedTuple):
    """What a buffer must be to hold a value."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device


def spec_of(x: Tensor) -> Spec:
    """The spec of a tensor.

    >>> spec_of(torch.ones(2, 3)).stride
    (3, 1)
    """
    return Spec(tuple(x.shape), tuple(x.stride()), x.dtype, x.device)


def dense(spec: Spec) -> bool:
    """Whether elements lie in memory in the order of their indices, without gaps.

    >>> dense(spec_of(torch.ones(2, 3))), dense(spec_of(torch.ones(2, 3).t()))
    (True, False)
    """
    size = 1
    for n, step in zip(reversed(spec.shape), reversed(spec.stride)):
        if n != 1 and step != size:
            return False
        size *= n
    return True


@attrs.frozen(eq=False, repr=False)
class Node:
    """The value of `op` at `args` and `kwargs`, which hold nodes, numbers, and tuples of them.

    op is the name of an overload of torch, `aten.mm.default`, or one of this room's own: carry, batch, const, getitem (an output of
    an op with several), lin (a s + b t), scale (a s), sqsum (sum of squares), gemm (s A B), gemv (s A x, 0-dim if A is a row),
    log_sigmoid, fill and item (between host numbers and 0-dim tensors), slice and gather (between leaves and flat buffers; a gather
    of new leaves has the flat buffer of the old ones as its last argument), and `host.*`. spec is None for a host number. index is
    the place in the order of the step, operands are the nodes among the arguments, repeated as they are.
    """

    op: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    spec: Spec | None
    index: int
    value: Tensor | None
    operands: tuple[Node, ...]

    @property
    def like(self) -> Spec:
        """The spec of a tensor; a host number has none and raises `TypeError`."""
        if self.spec is None:
            raise TypeError(f"{self.op} is a host number")
        return self.spec


def _nodes(args: tuple[object, ...]) -> Iterator[Node]:
    for a in args:
        if isinstance(a, Node):
            yield a
        elif isinstance(a, tuple):
            yield from _nodes(a)


class Graph:
    """Nodes in order, hash-consed; `outputs` are the new carry, leaf by leaf, and the loss."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.outputs: list[Node] = []
        self._memo: dict[object, Node] = {}

    def add(
        self,
        op: str,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
        spec: Spec | None = None,
        *,
        unique: bool = False,
        value: Tensor | None = None,
    ) -> Node:
        """The node of this computation: the one that exists already, unless it must be unique (random draws, remat)."""
        key = None if unique or value is not None else (op, _key(args), _key(tuple(sorted((kwargs or {}).items()))))
        if key is None or key not in self._memo:
            operands = tuple(_nodes((*args, *kwargs.values()) if kwargs else args))
            node = Node(op, args, dict(kwargs or {}), spec, len(self.nodes), value, operands)
            self.nodes.append(node)
            if key is None:
                return node
            self._memo[key] = node
        return self._memo[key]

    def number(self, c: float, dtype: torch.dtype = torch.float64) -> Node:
        """c as a constant 0-dim tensor, which costs less than a Python number, and nothing in the dtype of the other operand."""
        key = ("number", repr(c), dtype)
        if key not in self._memo:
            value = torch.tensor(c, dtype=dtype)
            self._memo[key] = self.add("const", ("number", c), {}, spec_of(value), value=value)
        return self._memo[key]

    def ones(self, n: int, like: Spec) -> Node:
        """n ones, for sums as matrix-vector products."""
        key = ("ones", n, like.dtype, like.device)
        if key not in self._memo:
            value = torch.ones(n, dtype=like.dtype, device=like.device)
            self._memo[key] = self.add("const", ("ones", n), {}, spec_of(value), value=value)
        return self._memo[key]

    def live(self) -> list[Node]:
        """The nodes that the outputs need, in order: everything else is dead code."""
        needed = set(self.outputs)
        for node in reversed(self.nodes):
            if node in needed:
                needed.update(node.operands)
        return [node for node in self.nodes if node in needed or node.op in ("carry", "batch")]


def _key(a: object) -> object:
    if isinstance(a, Node):
        return a
    if isinstance(a, tuple):
        return tuple(_key(b) for b in a)
    return type(a), repr(a)


@cache
def overload(op: str) -> OpOverload | None:
    """The overload of torch of this name; None for an op of this room.

    >>> overload("aten.mm.default").__name__, overload("lin")
    ('mm.default', None)
    """
    parts = op.split(".")
    if len(parts) != 3:
        return None
    found: OpOverload = getattr(getattr(getattr(torch.ops, parts[0]), parts[1]), parts[2])
    return found


@cache
def is_view(op: str) -> bool:
    """Whether the result shares the memory of the first argument.

    >>> is_view("aten.t.default"), is_view("aten.mm.default")
    (True, False)
    """
    func = overload(op)
    if func is None or op == "aten._unsafe_view.default":
        return func is not None or op == "slice"
    infos = [r.alias_info for r in func._schema.returns]
    return any(info is not None and not info.is_write for info in infos)


@cache
def is_pointwise(op: str) -> bool:
    """Whether each element of the result depends on that element of the operands alone.

    >>> is_pointwise("aten.relu.default"), is_pointwise("aten.mm.default")
    (True, False)
    """
    func = overload(op)
    return op in _POINTWISE or (func is not None and torch.Tag.pointwise in func.tags)


_POINTWISE = {"lin", "scale", "log_sigmoid", "aten.threshold_backward.default", "aten.clone.default", "aten.lerp.Scalar"}


@cache
def is_random(op: str) -> bool:
    """Whether the op draws from a generator.

    >>> is_random("aten.bernoulli.p")
    True
    """
    func = overload(op)
    return func is not None and torch.Tag.nondeterministic_seeded in func.tags
