"""The form of an operation that writes into given memory, with `out=`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from pure_mlp._compile.graph import Node
from pure_mlp._compile.operations import operation, writes
from pure_mlp._compile.schema import name_of, overload

_OWN = {"gather", "gemm", "rowsum", "total", "sqsum", "log_sigmoid", "fill", "aten.clone.default", "aten._to_copy.default"}
_FACTORY = {"dtype", "layout", "device", "pin_memory", "memory_format"}


class OutForm(NamedTuple):
    """A function, the name of its out argument, and the keywords that it takes."""

    call: Callable[..., Tensor]
    out: str
    takes: frozenset[str]


@cache
def out_form(op: str) -> OutForm | None:
    """The overload of the same packet that takes the same arguments and one tensor to write to; None if there
    is none.
    """
    func = overload(op)
    if func is None or len(func._schema.returns) != 1:
        return None
    own = {(a.name, str(a.type)) for a in func._schema.arguments}
    for name in func._overloadpacket.overloads():
        candidate = getattr(func._overloadpacket, name)
        arguments = candidate._schema.arguments
        outs = [a.name for a in arguments if a.is_out]
        given = {(a.name, str(a.type)) for a in arguments if not a.is_out}
        generated = torch.Tag.generated in candidate.tags  # it computes the result in memory of its own, and copies it
        if not generated and len(outs) == 1 and given <= own and {name for name, _ in own - given} <= _FACTORY:
            call = getattr(torch, name_of(op)) if operation(op).fast else candidate._op
            return OutForm(call, outs[0], frozenset(name for name, _ in given))
    return None


def has_out(node: Node) -> bool:
    """Whether the value of a node can be written into a buffer."""
    return node.op in _OWN or (writes(node) and (out_form(node.op) is not None or operation(node.op).method))
