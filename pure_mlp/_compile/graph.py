"""A step as a graph: nodes are values, arguments are edges, equal computations are one node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import torch
from torch import Tensor

from pure_mlp._compile.schema import is_random, is_view
from pure_mlp._compile.spec import Spec, spec_of


class Unplannable(Exception):
    """The step does something that a flat program cannot repeat."""


@attrs.frozen(eq=False, repr=False)
class Node:
    """The value of `op` at `args` and `kwargs`, which hold nodes, numbers, and tuples of them.

    op is the name of an overload of torch, `aten.mm.default`, or one of this room's own:

        carry, batch, const   inputs; `slot` says which leaf, `value` holds a constant
        getitem               output number `slot` of an operation with several
        lin a s b t           a s + b t
        scale a s             a s
        gemm a b s            s A B
        rowsum d s            s (sum of the rows of d)
        total d s, sqsum d s  s (sum of all elements), s (sum of their squares)
        log_sigmoid x         the first output of torch's operation
        fill n, item x        a host number as a 0-dim tensor, and back
        slice, gather         from a flat buffer to a leaf at `slot`, and from values to a flat buffer
        host.*                arithmetic on host numbers

    spec is None for a host number, and for an operation with several outputs. index is the place in the order
    of the step; operands are the nodes among the arguments, repeated as they are.
    """

    op: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    spec: Spec | None
    index: int
    operands: tuple[Node, ...]
    value: Tensor | None = None
    slot: int = -1

    @property
    def like(self) -> Spec:
        """The spec of a tensor; a host number has none and raises `TypeError`."""
        if self.spec is None:
            raise TypeError(f"{self.op} is a host number")
        return self.spec

    def node(self, i: int) -> Node:
        """Argument i, which is a node."""
        a = self.args[i]
        if not isinstance(a, Node):
            raise TypeError(f"argument {i} of {self.op} is {a!r}")
        return a

    def number(self, i: int) -> float | Node:
        """Argument i, which is a number or a host number."""
        a = self.args[i]
        if not isinstance(a, (int, float, Node)):
            raise TypeError(f"argument {i} of {self.op} is {a!r}")
        return a

    def integer(self, i: int, default: int | None = None) -> int:
        """Argument i, which is a whole number; the default where there are fewer arguments."""
        a = self.args[i] if i < len(self.args) else default
        if not isinstance(a, int):
            raise TypeError(f"argument {i} of {self.op} is {a!r}")
        return a

    def keyword(self, name: str) -> float:
        """A keyword that is a number; 1, torch's default for all of these, where it is not given."""
        value = self.kwargs.get(name, 1)
        if not isinstance(value, (int, float)):
            raise TypeError(f"{name} of {self.op} is {value!r}")
        return float(value)

    @property
    def is_number(self) -> bool:
        """Whether this is a constant number, whose value is the first argument."""
        return self.op == "const" and bool(self.args)


def _nodes(args: tuple[object, ...]) -> Iterator[Node]:
    for a in args:
        if isinstance(a, Node):
            yield a
        elif isinstance(a, tuple):
            yield from _nodes(a)


class Graph:
    """Nodes in order, hash-consed; `outputs` are the new carry, leaf by leaf, and the loss.

    kept are nodes that are computed even if nothing reads them: random draws, and what may raise.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.outputs: list[Node] = []
        self.kept: list[Node] = []
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
        slot: int = -1,
    ) -> Node:
        """The node of this computation: the one that exists already, unless it must be unique (a copy, a random
        draw).
        """
        unique = unique or value is not None or is_random(op)
        key = None if unique else (op, _key(args), _key(tuple(sorted((kwargs or {}).items()))), slot)
        if key is None or key not in self._memo:
            operands = tuple(_nodes((*args, *kwargs.values()) if kwargs else args))
            node = Node(op, args, dict(kwargs or {}), spec, len(self.nodes), operands, value, slot)
            self.nodes.append(node)
            if key is None:
                return node
            self._memo[key] = node
        return self._memo[key]

    def number(self, c: float, dtype: torch.dtype = torch.float64) -> Node:
        """c as a constant 0-dim tensor: cheaper than a Python number, and free in the dtype of the other operand."""
        key = ("number", repr(c), dtype)
        if key not in self._memo:
            value = torch.tensor(c, dtype=dtype)
            self._memo[key] = self.add("const", (c,), {}, spec_of(value), value=value)
        return self._memo[key]

    def live(self) -> list[Node]:
        """The nodes that the outputs need, inputs and kept nodes, in order; all others are dead code."""
        needed = {*self.outputs, *self.kept}
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


def root(node: Node) -> Node:
    """The node whose memory a view shows; any other node itself."""
    while is_view(node.op) or node.op == "getitem":
        node = node.operands[0]
    return node
