"""Functions of trees. The result has the classes of the argument.

A *tree* is a tensor; a tuple, NamedTuple, list or dict of trees; or a record whose fields are trees. Params, caches, grads and
optimizer states are trees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar, cast, overload

import torch
from torch import Tensor

from pure_mlp.nodes import children, explained, rebuilt
from pure_mlp.walks import collect, grow

__all__ = ["tree_items", "tree_leaves", "tree_like", "tree_map", "tree_zeros"]

T = TypeVar("T")


@overload
def tree_map(f: Callable[[Tensor], Tensor], tree: T, /) -> T: ...
@overload
def tree_map(f: Callable[[Tensor, Tensor], Tensor], tree: T, other: T, /) -> T: ...
@overload
def tree_map(f: Callable[[Tensor, Tensor, Tensor], Tensor], tree: T, other: T, third: T, /) -> T: ...
def tree_map(f: Callable[..., Tensor], tree: T, /, *rest: T) -> T:
    """Apply `f` to the tensors at the same place of one to three trees of equal structure; the result is a tree of that structure.

    Args:
        f: a function of as many tensors as there are trees.
        tree: the first tree, whose classes the result has.
        rest: up to two more, of the same structure.

    Returns:
        The tree of the results.

    Raises:
        ValueError: f is no function, the trees differ (the message has the path), f refuses a leaf that is no tensor, or a class
            cannot be rebuilt.

    >>> tree_map(torch.add, (torch.tensor(1), ()), (torch.tensor(2), ()))
    (tensor(3), ())
    """
    if not callable(f):
        raise ValueError(f"tree_map: {_outline(f)}, expected a function of tensors, and then the trees")
    return cast(T, _map(f, "", tree, *rest))


def _map(f: Callable[..., Tensor], path: str, tree: object, *rest: object) -> object:
    branches = children(tree)
    for other in rest:
        theirs = children(other)
        if (branches is None) != (theirs is None) or [k for k, _ in branches or ()] != [k for k, _ in theirs or ()]:
            raise ValueError(f"trees differ at {path or 'the root'}: {_outline(tree)} against {_outline(other)}")
    if branches is None:
        return f(tree, *rest) if isinstance(tree, Tensor) else _of_other(f, path, tree, *rest)
    others = [children(other) or [] for other in rest]
    mapped = [_map(f, f"{path}.{key}".lstrip("."), child, *(o[i][1] for o in others)) for i, (key, child) in enumerate(branches)]
    return rebuilt(tree, mapped)


def _of_other(f: Callable[..., Tensor], path: str, leaf: object, *rest: object) -> object:
    """f of a leaf that is no tensor: some functions take counts or specs."""
    try:
        return f(leaf, *rest)
    except (TypeError, AttributeError) as error:
        raise ValueError(explained(leaf, path)) from error


def _outline(tree: object) -> str:
    branches = children(tree)
    return type(tree).__name__ if branches is None else f"{type(tree).__name__}({', '.join(key for key, _ in branches)})"


def tree_items(tree: object, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of a tree with their dotted paths, in order.

    Args:
        tree: any tree.
        path: what the paths begin with.

    Returns:
        Pairs of path and tensor, as `0.weight`.

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
    """The tensors of a tree, in order: fields as declared, tuples and lists from left to right, dicts by their sorted keys.

    Args:
        tree: any tree.

    Returns:
        A new list of the tensors themselves.

    >>> tree_leaves((torch.tensor(1), (torch.tensor(2), ())))
    [tensor(1), tensor(2)]
    """
    leaves: list[Tensor] = []
    collect(tree, leaves)
    return leaves


def tree_like(tree: T, leaves: list[Tensor]) -> T:
    """A tree with the structure of `tree` and the tensors `leaves`: the inverse of `tree_leaves`.

    Args:
        tree: what gives the structure and the classes.
        leaves: as many tensors as it has, in its order.

    Returns:
        The tree.

    Raises:
        ValueError: too few or too many leaves, or a class that cannot be rebuilt.

    >>> tree_like((torch.tensor(1), (torch.tensor(2), ())), [torch.tensor(3), torch.tensor(4)])
    (tensor(3), (tensor(4), ()))
    """
    try:
        supply = [*reversed(leaves)]
    except TypeError as error:
        raise ValueError(f"tree_like: {_outline(leaves)}, expected a list of tensors") from error
    try:
        grown = grow(tree, supply)
    except IndexError:
        grown = None
    if grown is None or supply:
        raise ValueError(f"a tree of {len(tree_leaves(tree))} tensors, {len(leaves)} leaves")
    return cast(T, grown)


def tree_zeros(tree: T) -> T:
    """Zeros of the same shapes, dtypes and devices.

    Args:
        tree: any tree.

    Returns:
        A tree of new tensors.

    Raises:
        ValueError: a leaf is no tensor.

    >>> tree_zeros((torch.ones(2), ()))
    (tensor([0., 0.]), ())
    """
    return tree_map(torch.zeros_like, tree)
