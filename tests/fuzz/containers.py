"""How a drawn program's batches and carry are built: the same tensors in one container or another."""

from __future__ import annotations

from collections import namedtuple
from random import Random
from typing import Any

from torch import Tensor

NAMES = ("x0", "x1", "x2", "x3")
FORWARD = [namedtuple("Forward", NAMES[:n]) for n in range(5)]
BACKWARD = [namedtuple("Backward", NAMES[:n][::-1]) for n in range(5)]
"""A class for each number of fields."""
KINDS = ("tuple", "list", "dict", "dict backward", "named", "named backward", "nested")


def container(random: Random, likely: float) -> str:
    """A tuple with that probability, or any container."""
    return "tuple" if random.random() < likely else random.choice(KINDS)


def pack(kind: str, *leaves: Any) -> Any:
    """A container of the leaves.

    >>> pack("dict backward", 1, 2), pack("nested", 1, 2, 3), pack("named backward", 1, 2)
    ({'x1': 2, 'x0': 1}, [1, [2, [3]]], Backward(x1=2, x0=1))
    """
    named, n = dict(zip(NAMES, leaves)), len(leaves)
    if kind == "nested":
        return [leaves[0], *([pack(kind, *leaves[1:])] if n > 1 else [])]
    if kind in ("named", "named backward"):
        return (FORWARD if kind == "named" else BACKWARD)[n](**named)
    if kind in ("dict", "dict backward"):
        return named if kind == "dict" else dict([*named.items()][::-1])
    return leaves if kind == "tuple" else [*leaves]


def parts(tree: Any) -> list[Any]:
    """The leaves in their first order, whatever the container is.

    >>> [parts(pack(kind, 1, 2, 3)) for kind in KINDS] == [[1, 2, 3]] * len(KINDS)
    True
    """
    if isinstance(tree, dict):
        return [tree[name] for name in sorted(tree)]
    if hasattr(tree, "_fields"):
        return [getattr(tree, name) for name in sorted(tree._fields)]
    if isinstance(tree, list):
        return [part for child in tree for part in (parts(child) if isinstance(child, list) else [child])]
    return [tree] if isinstance(tree, Tensor) else [*tree]
