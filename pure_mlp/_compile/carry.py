"""The carry of a plan: leaves in memory of its own, which programs overwrite."""

from __future__ import annotations

import math
from array import array
from typing import Generic, TypeVar

import torch
from torch import Tensor

from pure_mlp._compile.graph import Graph
from pure_mlp._compile.leaves import paths, structure, tensors
from pure_mlp._compile.passes.lanes import lane_groups
from pure_mlp._compile.passes.pack import Layout, layout_of, offsets, pack
from pure_mlp.record import tree_like

S = TypeVar("S")


class Carry(Generic[S]):
    """A tree whose 0-dim float64 leaves are numbers in `counts`, and whose other leaves may be slices of flat
    buffers.
    """

    def __init__(self, tree: S) -> None:
        given = tensors(tree, "carry")
        self.leaves = [leaf.detach().clone() for leaf in given]
        self.counts = array("d", [leaf.item() if _is_count(leaf) else 0.0 for leaf in given])
        self.flats: list[Tensor] = []
        self._tree = tree_like(tree, self.leaves)
        self._layout: Layout | None = None

    @property
    def names(self) -> list[str]:
        """The names of the leaves in a program, then those of the flat buffers."""
        return [*(f"c{path}" for path in paths(self._tree)), *(f"flat{i}" for i in range(len(self.flats)))]

    @property
    def structure(self) -> object:
        """The structure of the tree."""
        return structure(self._tree)

    def now(self) -> list[Tensor]:
        """The present leaves; except for numbers, in memory that programs overwrite."""
        pairs = zip(self.leaves, self.counts)
        return [torch.tensor(n, dtype=leaf.dtype, device=leaf.device) if _is_count(leaf) else leaf for leaf, n in pairs]

    def tree(self, leaves: list[Tensor] | None = None) -> S:
        """The tree of these leaves; by default of the present ones."""
        return tree_like(self._tree, self.now() if leaves is None else leaves)

    def copy(self) -> list[Tensor]:
        """Copies of the present leaves."""
        return [leaf.clone() for leaf in self.now()]

    def set(self, leaves: list[Tensor]) -> None:
        """Take over these values."""
        for i, (mine, leaf) in enumerate(zip(self.leaves, leaves)):
            mine.copy_(leaf.detach())
            if _is_count(mine):
                self.counts[i] = leaf.item()

    def packed(self, graph: Graph) -> Graph:
        """The graph on flat buffers: the first one decides their layout, a later one uses them if it needs the
        same.
        """
        groups = lane_groups(graph)
        layout = layout_of(groups)
        if self._layout is None:
            self._layout = layout
            self._flatten(layout)
        return pack(graph, groups, len(self.leaves)) if self._layout == layout and groups else graph

    def _flatten(self, layout: Layout) -> None:
        for slots in layout:
            starts = offsets([self.leaves[i].numel() for i in slots])
            like = self.leaves[slots[0]]
            flat = torch.zeros(starts[-1], dtype=like.dtype, device=like.device)
            for i, start in zip(slots, starts):
                shape = self.leaves[i].shape
                self.leaves[i] = flat[start : start + math.prod(shape)].view(shape).copy_(self.leaves[i])
            self.flats.append(flat)
        self._tree = tree_like(self._tree, self.leaves)


def _is_count(leaf: Tensor) -> bool:
    return leaf.dim() == 0 and leaf.dtype == torch.float64
