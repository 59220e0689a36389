"""Immutable records that torch can trace, map over and save; and the trees that they form.

A *tree* is a tensor, a tuple of trees, or a record whose fields are trees. Params, caches, grads and optimizer states are trees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast, overload

import attrs
import torch
from torch import Tensor
from torch.serialization import add_safe_globals
from torch.utils._pytree import GetAttrKey, register_pytree_node

T = TypeVar("T")
R = TypeVar("R")

_fields: dict[type, tuple[str, ...]] = {}
"""The names of the fields of every record class, in the order of its constructor."""
_walks: dict[type, tuple[Callable[[object, list[Tensor]], None], Callable[[object, list[Tensor]], object]]] = {}
"""For every record class: `collect(record, leaves)`, and `grow(record, supply)` from the leaves still to come, next one last."""


def record(cls: type[R]) -> type[R]:
    """Teach torch an `attrs.frozen(eq=False)` class: Dynamo may construct it, pytrees map over it, `torch.load` trusts it.

    The `__init__` of a frozen attrs class cannot be traced by `torch.compile(fullgraph=True)`; the one written here can, and costs
    about the same. A record has no defaults and no validators: torch also builds it from things that are not tensors.

    >>> @record
    ... @attrs.frozen(eq=False)
    ... class Scale:
    ...     factor: Tensor
    >>> tree_map(lambda t: 2 * t, Scale(torch.ones(2))).factor
    tensor([2., 2.])
    """
    names = _fields[cls] = tuple(field.name for field in attrs.fields(cast("type[attrs.AttrsInstance]", cls)))
    scope: dict[str, Any] = {"cls": cls, "Tensor": Tensor, "collect": _collect, "grow": _grow}
    exec(_methods(names), scope)
    setattr(cls, "__init__", scope["__init__"])  # noqa: B010  # mypy forbids the assignment
    _walks[cls] = scope["collect_record"], scope["grow_record"]

    register_pytree_node(
        cls,
        lambda r: ([getattr(r, name) for name in names], None),
        lambda leaves, _: cls(*leaves),
        serialized_type_name=f"{cls.__module__}.{cls.__qualname__}",
        flatten_with_keys_fn=lambda r: ([(GetAttrKey(name), getattr(r, name)) for name in names], None),
    )
    add_safe_globals([cls])
    return cls


def _methods(names: Sequence[str]) -> str:
    """The source of what is done to a record at every step, its fields written out."""
    init = "".join(f"    object.__setattr__(self, {name!r}, {name})\n" for name in names)
    collected = "".join(
        f"    x = r.{name}\n    out.append(x) if type(x) is Tensor else collect(x, out)\n" for name in names
    )
    grown = ", ".join(f"supply.pop() if type(r.{name}) is Tensor else grow(r.{name}, supply)" for name in names)
    return (
        f"def __init__(self, {', '.join(names)}):\n{init or '    pass'}\n"
        f"def collect_record(r, out):\n{collected or '    pass'}\n"
        f"def grow_record(r, supply):\n    return cls({grown})\n"
    )


def children(tree: object) -> list[tuple[str, object]] | None:
    """The named subtrees of a tuple or record, in order; None for a leaf.

    >>> children((7, 8))
    [('0', 7), ('1', 8)]
    """
    if isinstance(tree, tuple):
        return [(str(i), child) for i, child in enumerate(tree)]
    names = _fields.get(type(tree))
    return None if names is None else [(name, getattr(tree, name)) for name in names]


@overload
def tree_map(f: Callable[[Tensor], Tensor], tree: T, /) -> T: ...
@overload
def tree_map(f: Callable[[Tensor, Tensor], Tensor], tree: T, other: T, /) -> T: ...
@overload
def tree_map(f: Callable[[Tensor, Tensor, Tensor], Tensor], tree: T, other: T, third: T, /) -> T: ...
def tree_map(f: Callable[..., Tensor], tree: T, /, *rest: T) -> T:
    """Apply `f` to the tensors that stand at the same place of one to three trees of one shape; the result is a tree of that shape.

    Raises `ValueError` with the path where the trees part.

    >>> tree_map(torch.add, (torch.tensor(1), ()), (torch.tensor(2), ()))
    (tensor(3), ())
    """
    return cast(T, _map(f, "", tree, *rest))


def _map(f: Callable[..., Tensor], path: str, tree: object, *rest: object) -> object:
    branches = children(tree)
    for other in rest:
        theirs = children(other)
        if (branches is None) != (theirs is None) or [k for k, _ in branches or ()] != [k for k, _ in theirs or ()]:
            raise ValueError(f"trees differ at {path or 'the root'}: {_outline(tree)} against {_outline(other)}")
    if branches is None:
        return f(tree, *rest)
    others = [children(other) or [] for other in rest]
    mapped = [_map(f, f"{path}.{key}".lstrip("."), child, *(o[i][1] for o in others)) for i, (key, child) in enumerate(branches)]
    return tuple(mapped) if isinstance(tree, tuple) else type(tree)(*mapped)


def _outline(tree: object) -> str:
    branches = children(tree)
    return type(tree).__name__ if branches is None else f"{type(tree).__name__}({', '.join(key for key, _ in branches)})"


def tree_items(tree: object, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of a tree with their dotted paths, in order.

    >>> [name for name, _ in tree_items(((torch.ones(1), ()), torch.ones(2)))]
    ['0.0', '1']
    """
    branches = children(tree)
    if branches is None:
        yield path, cast(Tensor, tree)
    else:
        for key, child in branches:
            yield from tree_items(child, f"{path}.{key}".lstrip("."))


def tree_leaves(tree: object) -> list[Tensor]:
    """The tensors of a tree, in order: fields as declared, tuples from left to right.

    >>> tree_leaves((torch.tensor(1), (torch.tensor(2), ())))
    [tensor(1), tensor(2)]
    """
    leaves: list[Tensor] = []
    _collect(tree, leaves)
    return leaves


def _collect(tree: object, leaves: list[Tensor]) -> None:
    if isinstance(tree, tuple):
        for child in tree:
            _collect(child, leaves)
    elif (walks := _walks.get(type(tree))) is not None:
        walks[0](tree, leaves)
    else:
        leaves.append(cast(Tensor, tree))


def tree_like(tree: T, leaves: list[Tensor]) -> T:
    """The tree of the shape of `tree` whose tensors are `leaves`: the inverse of `tree_leaves`.

    Raises `ValueError` if there are too few or too many leaves.

    >>> tree_like((torch.tensor(1), (torch.tensor(2), ())), [torch.tensor(3), torch.tensor(4)])
    (tensor(3), (tensor(4), ()))
    """
    supply = leaves[::-1]
    try:
        grown = _grow(tree, supply)
    except IndexError:
        grown = None
    if grown is None or supply:
        raise ValueError(f"a tree of {len(tree_leaves(tree))} tensors, {len(leaves)} leaves")
    return cast(T, grown)


def _grow(tree: object, supply: list[Tensor]) -> object:
    if isinstance(tree, tuple):
        return tuple([_grow(child, supply) for child in tree])
    walks = _walks.get(type(tree))
    return supply.pop() if walks is None else walks[1](tree, supply)


def tree_zeros(tree: T) -> T:
    """Zeros of the same shapes, dtypes and devices.

    >>> tree_zeros((torch.ones(2), ()))
    (tensor([0., 0.]), ())
    """
    return tree_map(torch.zeros_like, tree)
