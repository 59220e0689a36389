"""Which tensor is which value: by identity, and by the memory that tensors show."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp._compile.capture.refusals import step_line
from pure_mlp._compile.graph import Graph, Node, Unplannable
from pure_mlp._compile.leaves import is_plain
from pure_mlp._compile.schema import is_view
from pure_mlp._compile.spec import spec_of


class Known:
    """The nodes of the tensors that a step has seen so far; all are held, so that no other gets the id or the memory of one."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: dict[int, tuple[Node, Tensor]] = {}
        self._sharing: dict[int, list[Tensor]] = {}

    def bind(self, t: Tensor, node: Node) -> None:
        """Note that a tensor has this value."""
        if t.is_complex():
            raise Unplannable(f"complex numbers {step_line()}")
        if id(t) not in self._nodes:
            self._sharing.setdefault(_memory(t), []).append(t)
        self._nodes[id(t)] = (node, t)

    def leaf(self, t: Tensor) -> Node:
        """The node of a tensor; one that no operation made is a constant, or another Python object for a tensor
        that is known.
        """
        if id(t) not in self._nodes:
            alike = self._sharing.get(_memory(t), []) if t.numel() else []
            plain = is_plain(t)
            same = [a for a in alike if plain and spec_of(a) == spec_of(t) and _start(a) == _start(t)]
            if alike and not same:
                raise Unplannable(f"a tensor of the step comes back as {type(t).__name__} {tuple(t.shape)} {step_line()}")
            self.bind(t, self._nodes[id(same[0])][0] if same else self._graph.add("const", (), {}, spec_of(t), value=t))
        return self._nodes[id(t)][0]

    def alone(self, t: Tensor) -> None:
        """Forget the other tensors that show this memory: nobody can see them."""
        self._sharing.pop(_memory(t), None)

    def own(self, target: object) -> bool:
        """Whether a tensor was made in the step, and no other tensor shows its memory."""
        if not isinstance(target, Tensor) or id(target) not in self._nodes or len(self._sharing.get(_memory(target), [])) != 1:
            return False
        node = self._nodes[id(target)][0]
        return node.op not in ("carry", "batch") and (node.op != "const" or node.value is not target) and not is_view(node.op)


def _start(t: Tensor) -> int:
    with torch._C.DisableTorchFunction():
        return t.data_ptr()


def _memory(t: Tensor) -> int:
    """A key that tensors with the same memory share; one without elements, or without memory of its own, has a key of
    its own.
    """
    try:
        with torch._C.DisableTorchFunction():  # the mode that watches for reads of memory must not see this one
            return t.untyped_storage().data_ptr() or -id(t)
    except RuntimeError:
        return -id(t)
