"""Whether a function writes to its arguments, and which outputs share memory with them."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.record import tree_items

__all__ = ["Unchanged", "named", "shared"]


def named(**trees: object) -> list[tuple[str, Tensor]]:
    """The tensors of trees under dotted names.

    >>> [name for name, _ in named(x=torch.ones(1), cache=(torch.ones(1), ()))]
    ['x', 'cache.0']
    """
    return [item for name, tree in trees.items() for item in tree_items(tree, name)]


def shared(outputs: list[tuple[str, Tensor]], arguments: list[tuple[str, Tensor]]) -> set[str]:
    """Which outputs share memory with which arguments.

    >>> x = torch.ones(2)
    >>> shared(named(y=x[:1], cache=x + 1), named(x=x))
    {'y is x'}
    """
    return {f"{o} is {a}" for o, out in outputs for a, arg in arguments if out.numel() and _memory(out) == _memory(arg)}


def _memory(t: Tensor) -> int:
    return t.untyped_storage().data_ptr()


class Unchanged:
    """A copy of arguments, to tell later which were written to: by their bits, and by torch's count of writes.

    >>> x = torch.ones(2)
    >>> unchanged = Unchanged(named(x=x))
    >>> _ = x.add_(0)
    >>> unchanged.changed()
    ['x']
    """

    def __init__(self, arguments: list[tuple[str, Tensor]]) -> None:
        self.arguments = arguments
        self.before: list[tuple[Tensor, int]] = [(t.clone(), t._version) for _, t in arguments]

    def changed(self) -> list[str]:
        """The names of those that were written to."""
        pairs = zip(self.arguments, self.before)
        return [n for (n, now), (was, version) in pairs if now._version != version or not _equal(now, was)]


def _equal(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a.nan_to_num(), b.nan_to_num()) and torch.equal(a.isnan(), b.isnan())
