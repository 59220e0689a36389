"""The floors: the matrix products of a step and nothing else."""

from __future__ import annotations

import torch
from torch import Tensor

from .task import Peer
from .tensors import Batch, Start


def _operands(start: Start) -> tuple[list[Tensor], list[Tensor]]:
    """Weights, and for each layer an output, which is the cotangent's shape too."""
    weights = start.params[::2]
    return weights, [torch.empty(start.task.batch, len(w)).normal_() for w in weights]


def gemms(start: Start) -> Peer:
    """By `torch.mm` into memory that is there: MKL, in torch's wheels for x86."""
    weights, hs = _operands(start)
    outs, grads, dxs = ([torch.empty_like(t) for t in ts] for ts in (hs, weights, hs))

    def step(batch: Batch) -> None:
        for i, w in enumerate(weights):
            x = hs[i - 1] if i else batch[0]
            torch.mm(x, w.t(), out=outs[i])
            torch.mm(hs[i].t(), x, out=grads[i])
            if i:
                torch.mm(hs[i], w, out=dxs[i - 1])

    return Peer(step, start.batches, None)


def onednn(start: Start) -> Peer:
    """By oneDNN into fresh memory. Raises `LookupError` if this torch has no such operation."""
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        raise LookupError("torch has no mkldnn._linear_pointwise")
    weights, hs = _operands(start)
    product = torch.ops.mkldnn._linear_pointwise

    def step(batch: Batch) -> None:
        for i, w in enumerate(weights):
            x = hs[i - 1] if i else batch[0]
            product(x, w, None, "none", [], "")
            product(hs[i].t(), x.t(), None, "none", [], "")
            if i:
                product(hs[i], w.t(), None, "none", [], "")

    return Peer(step, start.batches, None)
