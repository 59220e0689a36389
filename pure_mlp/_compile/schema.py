"""What torch says of its operations, which are known by name: `aten.mm.default`."""

from __future__ import annotations

from functools import cache

import torch
from torch._ops import OpOverload


def name_of(op: str) -> str:
    """An operation without library and overload: `add` for `aten.add.Tensor`."""
    return op.split(".")[1] if op.startswith("aten.") else op


@cache
def overload(op: str) -> OpOverload | None:
    """The overload of torch of this name; None for an op of this room."""
    parts = op.split(".")
    if len(parts) != 3:
        return None
    found: OpOverload = getattr(getattr(getattr(torch.ops, parts[0]), parts[1]), parts[2])
    return found


@cache
def is_view(op: str) -> bool:
    """Whether the result shares the memory of the first argument."""
    func = overload(op)
    if func is None or op == "aten._unsafe_view.default":
        return func is not None or op == "slice"
    infos = [r.alias_info for r in func._schema.returns]
    return any(info is not None and not info.is_write for info in infos)


@cache
def is_random(op: str) -> bool:
    """Whether the op draws from a generator."""
    func = overload(op)
    return func is not None and torch.Tag.nondeterministic_seeded in func.tags
