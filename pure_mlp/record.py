"""Immutable records that torch can trace, map over and save."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import attrs
from torch import Tensor
from torch.serialization import add_safe_globals
from torch.utils._pytree import GetAttrKey, register_pytree_node

from pure_mlp.nodes import FIELDS
from pure_mlp.nodes import children as children
from pure_mlp.trees import tree_items as tree_items
from pure_mlp.trees import tree_leaves as tree_leaves
from pure_mlp.trees import tree_like as tree_like
from pure_mlp.trees import tree_map as tree_map
from pure_mlp.trees import tree_zeros as tree_zeros
from pure_mlp.walks import WALKS, collect, grow

__all__ = ["children", "record", "tree_items", "tree_leaves", "tree_like", "tree_map", "tree_zeros"]

R = TypeVar("R")


def record(cls: type[R]) -> type[R]:
    """Teach torch an `attrs.frozen(eq=False)` class: Dynamo may construct it, pytrees map over it, `torch.load` trusts it.

    The `__init__` of a frozen attrs class cannot be traced by `torch.compile(fullgraph=True)`; the one written here can, and costs
    about the same. A record has no defaults and no validators: torch also builds it from things that are not tensors.

    Args:
        cls: the class, decorated with `@attrs.frozen(eq=False)`.

    Returns:
        The same class.

    Raises:
        ValueError: a class that is not of attrs.

    >>> import torch
    >>> @record
    ... @attrs.frozen(eq=False)
    ... class Scale:
    ...     factor: Tensor
    >>> tree_map(lambda t: 2 * t, Scale(torch.ones(2))).factor
    tensor([2., 2.])
    """
    kind: type[Any] = cls
    if not attrs.has(kind):
        raise ValueError(f"record: {cls.__name__} is no attrs class: put @attrs.frozen(eq=False) below @record")
    names = FIELDS[cls] = tuple(field.name for field in attrs.fields(kind))
    scope: dict[str, Any] = {"cls": cls, "Tensor": Tensor, "collect": collect, "grow": grow}
    exec(_methods(names), scope)
    setattr(cls, "__init__", scope["__init__"])  # noqa: B010  # mypy forbids the assignment
    WALKS[cls] = scope["collect_record"], scope["grow_record"]

    keys: list[Any] = [GetAttrKey(name) for name in names]
    register_pytree_node(
        cls,
        lambda r: ([getattr(r, name) for name in names], None),
        lambda leaves, _: cls(*leaves),
        serialized_type_name=f"{cls.__module__}.{cls.__qualname__}",
        flatten_with_keys_fn=lambda r: ([*zip(keys, [getattr(r, name) for name in names])], None),
    )
    add_safe_globals([cls])
    return cls


def _methods(names: Sequence[str]) -> str:
    """The source of what is done to a record at every step, its fields written out."""
    init = "".join(f"    object.__setattr__(self, {name!r}, {name})\n" for name in names)
    collected = "".join(f"    x = r.{name}\n    out.append(x) if type(x) is Tensor else collect(x, out)\n" for name in names)
    grown = ", ".join(f"supply.pop() if type(r.{name}) is Tensor else grow(r.{name}, supply)" for name in names)
    return (
        f"def __init__(self, {', '.join(names)}):\n{init or '    pass'}\n"
        f"def collect_record(r, out):\n{collected or '    pass'}\n"
        f"def grow_record(r, supply):\n    return cls({grown})\n"
    )
