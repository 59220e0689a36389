"""The form of an operation that writes into given memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from pure_mlp._compile.graph import Node, overload

_BINDINGS = {"add", "sub", "mul", "div", "mm", "addmm", "addmv", "bmm", "baddbmm", "addcmul", "addcdiv", "lerp", "sigmoid", "tanh"}
_BINDINGS |= {"exp", "log", "sqrt", "abs", "log1p", "erf", "erfc", "maximum", "minimum"}
"""Operations whose binding in `torch` takes the arguments of the overload: it is called faster than the overload."""
_IN_PLACE = _BINDINGS | {"relu", "neg", "square", "copy"}
_OWN = {"gather", "gemm", "gemv", "sqsum", "log_sigmoid", "fill", "aten.clone.default", "aten._to_copy.default"}
_FACTORY = {"dtype", "layout", "device", "pin_memory", "memory_format"}


class OutForm(NamedTuple):
    """A function, the name of its out argument, and the keywords that it takes."""

    call: Callable[..., Tensor]
    out: str
    takes: frozenset[str]


@cache
def out_form(op: str) -> OutForm | None:
    """The overload of the same packet that takes the same arguments and one tensor to write to; None if there is none.

    >>> form = out_form("aten.threshold_backward.default")
    >>> form.out
    'grad_input'
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
        if len(outs) == 1 and given <= own and {name for name, _ in own - given} <= _FACTORY:
            base = op.split(".")[1]
            call = getattr(torch, base) if base in _BINDINGS else candidate._op
            return OutForm(call, outs[0], frozenset(name for name, _ in given))
    return None


def has_out(node: Node) -> bool:
    """Whether the value of a node can be written into a buffer.

    >>> from pure_mlp._compile.graph import Graph
    >>> x = Graph().add("carry", (0,))
    >>> has_out(Graph().add("aten.exp.default", (x,))), has_out(x)
    (True, False)
    """
    return node.op in _OWN or out_form(node.op) is not None


def in_place(op: str) -> str | None:
    """The method of a tensor that overwrites it by the result, if its other arguments are those of the overload.

    >>> in_place("aten.relu.default"), in_place("aten.threshold_backward.default")
    ('relu_', None)
    """
    base = op.split(".")[1] if op.startswith("aten.") else ""
    return f"{base}_" if base in _IN_PLACE else None
