"""What a tree is made of: the containers, their children, and how a container is made again of others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from copy import copy
from typing import Any, cast

import attrs
from torch import Tensor

__all__ = ["FIELDS", "children", "explained", "is_tensor", "rebuilt"]

FIELDS: dict[type, tuple[str, ...]] = {}
"""The names of the fields of every record class, in the order of its constructor."""


def children(tree: object) -> list[tuple[str, object]] | None:
    """The named subtrees of a tuple, list, dict or record, in order; None for a leaf.

    Fields and places come as they stand, the keys of a dict sorted: two dicts of the same keys have their leaves in one order.

    >>> children((7, 8)), children({"b": 1, "a": 2})
    ([('0', 7), ('1', 8)], [('a', 2), ('b', 1)])
    """
    if isinstance(tree, (tuple, list)):
        return [*zip(getattr(tree, "_fields", None) or map(str, range(len(tree))), tree)]
    if isinstance(tree, dict):
        return [(str(key), tree[key]) for key in sorted(tree, key=str)]
    names = FIELDS.get(type(tree))
    return None if names is None else [(name, getattr(tree, name)) for name in names]


def is_tensor(leaf: object) -> bool:
    """Whether a leaf is a tensor, as its type says: trees of counts, specs or arrays are walked too.

    >>> is_tensor(1)
    False
    """
    return isinstance(leaf, Tensor)


def rebuilt(tree: object, made: Sequence[object]) -> object:
    """A container of the class of `tree` with other children, in the order of `children`.

    Raises `ValueError` for a tuple of a class that is neither a NamedTuple nor one of torch's.

    >>> rebuilt({"b": 1, "a": 2}, [20, 10])
    {'b': 10, 'a': 20}
    """
    kind = type(tree)
    if kind is tuple:
        return tuple(made)
    if isinstance(tree, tuple):
        make: Any = getattr(kind, "_make", kind if hasattr(kind, "n_sequence_fields") else None)
        if make is None:
            raise ValueError(f"a tree of class {kind.__name__}, which cannot be made again: use a tuple, a NamedTuple or a record")
        return cast(object, make(made))
    if kind in FIELDS:
        return kind(*made)
    twin: Any = copy(tree)  # of the class of the list or dict, whatever its constructor takes
    if isinstance(tree, list):
        twin[:] = made
    else:
        twin.update(zip(sorted(twin, key=str), made))
    return cast(object, twin)


def explained(leaf: object, path: str) -> str:
    """Why something cannot be a leaf, and what to do.

    >>> explained(None, "0.bias")
    'a NoneType at 0.bias: trees are tensors, and tuples, lists, dicts and records of trees'
    """
    kind = type(leaf)
    cure = "; decorate it with @record over @attrs.frozen(eq=False)" if dataclasses.is_dataclass(kind) or attrs.has(kind) else ""
    what = f"{'an' if kind.__name__[0] in 'aeiou' else 'a'} {kind.__name__} at {path or 'the root'}"
    return f"{what}: trees are tensors, and tuples, lists, dicts and records of trees{cure}"
