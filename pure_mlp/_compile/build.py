"""From a step to its graph, ready for memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

from pure_mlp._compile.capture.trace import trace
from pure_mlp._compile.graph import Graph, Unplannable
from pure_mlp._compile.leaves import tensors
from pure_mlp._compile.passes.fuse import rewrite
from pure_mlp._compile.passes.schedule import separate
from pure_mlp._compile.passes.simplify import simplify
from pure_mlp.record import tree_like
from pure_mlp.train.step import Step

S = TypeVar("S")
B = TypeVar("B")


def graph_of(step: Step[S, B], carry: S, leaves: Sequence[Tensor], batch: B, given: Sequence[Tensor]) -> Graph:
    """The step, run once on the leaves of the carry and the given tensors of the batch, as a simplified graph.

    Raises `Unplannable` for a carry of another structure, a loss that is not 0-dim, and what `trace` refuses.

    >>> import torch
    >>> w, x = torch.ones(2), torch.ones(2)
    >>> graph = graph_of(lambda w, x: (w - 0.5 * x, (w * x).sum()), w, [w], x, [x])
    >>> [node.op for node in graph.outputs]
    ['aten.add.Tensor', 'gemv']
    """
    own = [t.detach() for t in given]  # a tensor that comes twice is two inputs

    def run() -> list[Tensor]:
        after, loss = step(tree_like(carry, [*leaves]), tree_like(batch, own))
        if not isinstance(loss, Tensor) or loss.dim() != 0:
            raise Unplannable(f"the loss is not a 0-dim tensor: {loss if not isinstance(loss, Tensor) else tuple(loss.shape)}")
        new = tensors(after, "new carry")
        if [(t.shape, t.dtype) for t in new] != [(t.shape, t.dtype) for t in leaves]:
            raise Unplannable("the new carry differs from the old one in structure, shapes or dtypes")
        return [*new, loss]

    return separate(rewrite(simplify(trace(run, leaves, own))))
