"""How params lie in the memory of this process."""

from __future__ import annotations

from typing import TypeVar

import attrs
from torch import Tensor

from pure_mlp.distributed.buckets import Buckets
from pure_mlp.distributed.cut import Cut
from pure_mlp.distributed.pairs import dims
from pure_mlp.distributed.shards import Shards
from pure_mlp.distributed.world import World
from pure_mlp.layer import Layer
from pure_mlp.optim.clip import for_parts
from pure_mlp.optim.optimizer import Optimizer
from pure_mlp.record import tree_leaves, tree_like

__all__ = ["Layout", "lay_out"]

P = TypeVar("P")
C = TypeVar("C")
T = TypeVar("T")


@attrs.frozen(eq=False)
class Layout:
    """Which parts of trees like the params this process holds; of everything, where shards is None."""

    world: World
    shards: Shards | None

    def part(self, tree: T) -> T:
        """What this process holds of a tree that is like the params."""
        return tree if self.shards is None else tree_like(tree, self.shards.cut(tree_leaves(tree)))

    def whole(self, parts: T) -> T:
        """The tree again, from what all processes hold."""
        return parts if self.shards is None else tree_like(parts, self.shards.whole(tree_leaves(parts)))

    def used(self, parts: T) -> T:
        """The params that the net is computed with: all of them, but for pairs of linear layers, which are computed in parts."""
        return self.whole(parts) if self.world.mesh.sharded else parts

    def sums(self, told: Tensor, leaves: list[Tensor], weight: float) -> list[Tensor]:
        """The sums over those who have other rows, of `told` and of what this process holds of the leaves, each `weight` times."""
        if self.shards is not None and self.world.mesh.sharded:
            return self.shards.sums(told, leaves, weight)
        buckets = Buckets(self.world.rows, told.dtype, weight)
        buckets.add([told, *leaves])
        return buckets.sums()

    def optimizer(self, optimizer: Optimizer) -> Optimizer:
        """The optimizer for what this process holds."""
        return optimizer if self.shards is None else for_parts(optimizer, self.shards.norm)


def lay_out(net: Layer[P, C], params: P, world: World) -> Layout:
    """The layout that the mesh of this world says.

    >>> from torch import distributed as dist
    >>> from pure_mlp import Mesh, relu
    >>> lay_out(relu, (), World(Mesh(), "cpu", dist.GroupMember.WORLD, dist.GroupMember.WORLD)).shards is None
    True
    """
    leaves = tree_leaves(params)
    if world.mesh.sharded:
        return Layout(world, Shards([Cut(tuple(leaf.shape), 0, world.mesh.dp) for leaf in leaves], world.rows))
    places = dims(net, params) if world.mesh.tp > 1 else []
    cuts = [None if dim is None else Cut(tuple(leaf.shape), dim, world.mesh.tp) for leaf, dim in zip(leaves, places)]
    return Layout(world, Shards(cuts, world.units) if any(cuts) else None)
