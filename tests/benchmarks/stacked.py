"""Ensembles: many nets of one shape as one step over stacked parameters, or a plan for each."""

from __future__ import annotations

import torch
from torch import Generator

import pure_mlp as pm

from .ours import plan
from .task import Peer
from .tensors import Start


def _stacked(start: Start, engine: pm.Engine) -> Peer:
    """The loss is the mean over the nets; the rate makes up for it, so each net trains as it would alone."""
    task, n = start.task, start.task.nets
    net, _ = pm.mlp(task.sizes, Generator())
    params = tuple(pm.Linear(torch.stack([w] * n), torch.stack([b] * n)) for w, b in zip(start.params[::2], start.params[1::2]))
    optimizer = pm.sgd(task.lr * n)
    step = pm.training_step(pm.ensemble(net), pm.mse if task.loss == "mse" else pm.bce_with_logits, optimizer)
    batches = [(torch.stack([x] * n), torch.stack([y] * n)) for x, y in start.batches]
    program = pm.Plan(step, (params, optimizer.init(params)), batches[0], engine=engine)
    if program.engine != engine:
        raise LookupError(f"the engine is {program.engine}")
    return Peer(program.step, batches, lambda: [p[-1] for p in pm.tree_leaves(program.carry()[0])])


def stacked_plan(start: Start) -> Peer:
    """One planned step for all nets."""
    return _stacked(start, "plan")


def stacked_native(start: Start) -> Peer:
    """One native step for all nets."""
    return _stacked(start, "native")


def separate(start: Start) -> Peer:
    """A plan for each net, called in turn; the loss is the last one's."""
    peers = [plan(start) for _ in range(start.task.nets)]

    def step(batch: object) -> object:
        return [peer.step(batch) for peer in peers][-1]

    return Peer(step, start.batches, peers[-1].params)
