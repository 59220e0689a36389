"""What a plan needs to know of a carry or a batch."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from torch import Tensor

from pure_mlp._compile.graph import Unplannable
from pure_mlp.record import children, tree_items, tree_leaves, tree_like
from pure_mlp.shapes import spec

S = TypeVar("S")


def tensors(tree: object, what: str) -> list[Tensor]:
    """The leaves of a tree. Raises `Unplannable` if one is no tensor, or if no other tree can be made of this class."""
    leaves = tree_leaves(tree)
    try:
        tree_like(tree, leaves)
    except ValueError as error:
        raise Unplannable(f"the {what} is {error}") from error
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise Unplannable(f"the {what} holds {type(leaf).__name__}, not tensors alone")
    return leaves


def returned(result: tuple[S, Tensor]) -> tuple[S, Tensor]:
    """What a step returned. Raises `ValueError` unless it is a carry and a loss of one number."""
    made: object = result
    if not isinstance(made, (tuple, list)) or len(made) != 2:
        came = f"{len(made)} values" if isinstance(made, (tuple, list)) else type(made).__name__
        raise ValueError(f"the step returned {came}, expected (carry, loss)")
    if not isinstance(made[1], Tensor) or made[1].numel() != 1:
        raise ValueError(f"the step returned a loss that is {spec(made[1])}, expected one number: a 0-dim tensor")
    return result


def paths(tree: object) -> list[str]:
    """The names of the leaves in a program."""
    return [path.replace(".", "_") for path, _ in tree_items(tree)]


def skeleton(tree: object) -> object:
    """How a tree is built: the classes of its containers and the names in them, whatever the leaves are."""
    branches = children(tree)
    return None if branches is None else (type(tree), *((key, skeleton(child)) for key, child in branches))


class Built(NamedTuple):
    """How a batch is built: its class if it is a plain tuple or list of tensors, how many, and its skeleton."""

    flat: type
    size: int
    skeleton: object


def built(batch: object) -> Built:
    """How a batch is built."""
    flat = isinstance(batch, (tuple, list)) and all(isinstance(t, Tensor) for t in batch)
    return Built(type(batch) if flat else object, len(tree_leaves(batch)), skeleton(batch))


def structure(tree: object) -> object:
    """What two trees have in common if one may replace the other: classes, shapes, dtypes, devices."""
    if isinstance(tree, Tensor):
        return tree.shape, tree.dtype, tree.device
    branches = children(tree)
    return tree if branches is None else (type(tree), *((key, structure(child)) for key, child in branches))


def twin(t: Tensor) -> Tensor:
    """A copy with the same layout and the same memory between its elements: `as_strided` sees no difference."""
    reach = 1 + sum((n - 1) * step for n, step in zip(t.shape, t.stride())) if t.numel() else 0
    return t.as_strided((reach,), (1,)).clone().as_strided(t.shape, t.stride())


def is_plain(t: Tensor) -> bool:
    """Whether a tensor is of torch's own class or a Parameter, which behaves alike: not of one that may compute otherwise."""
    return type(t) is Tensor or (type(t).__module__, type(t).__name__) == ("torch.nn.parameter", "Parameter")
