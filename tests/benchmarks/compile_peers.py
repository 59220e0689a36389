"""The runtime torch.compile: the whole step, gradient and update included, as one graph without breaks."""

from __future__ import annotations

import torch

from .autograd import func
from .task import Peer
from .tensors import Start
from .tensors import load as load
from .tensors import save as save


def whole(start: Start) -> Peer:
    """The step of `func`; Adam's count is a tensor, as a number would be compiled in."""
    peer = func(start, torch.zeros(()))
    return peer._replace(step=torch.compile(peer.step, fullgraph=True, dynamic=False))


PEERS = {"compile": whole}
