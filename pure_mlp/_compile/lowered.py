"""A step ready to be printed, as Python or as C."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pure_mlp._compile.graph import Node
from pure_mlp._compile.passes.place import Places
from pure_mlp._compile.program import Place, place_of


class Lowered(NamedTuple):
    """Nodes in the order of the program, with the memory and the name of each.

    outputs are the new leaves of the carry, by slot, and the loss; leaves are the old ones that the program
    reads or writes.
    """

    order: list[Node]
    outputs: list[Node]
    leaves: list[Node]
    places: Places
    names: dict[Node, str]

    @property
    def captured(self) -> list[tuple[Tensor, Place]]:
        """The tensors that the step uses besides carry and batch, and how each lies in memory."""
        values = [node.value for node in self.order if node.op == "const" and not node.args and node.value is not None]
        return [(t, place_of(t)) for t in values]

    @property
    def coarsest(self) -> torch.dtype:
        """The floating dtype of least precision that the step computes in."""
        dtypes = {node.spec.dtype for node in self.order if node.spec is not None and node.spec.dtype.is_floating_point}
        return max(dtypes, key=lambda dtype: torch.finfo(dtype).eps, default=torch.float64)
