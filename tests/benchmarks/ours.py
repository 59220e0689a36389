"""This library: the pure step, and what runs the same step faster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Generator, Tensor

import pure_mlp as pm

from .task import Peer
from .tensors import Batch, Start

Carry: TypeAlias = Any  # params and the optimizer's state


def training(start: Start) -> tuple[pm.Step[Carry, Batch], Carry]:
    """The pure step of the task and its first carry."""
    task = start.task
    net, _ = pm.mlp(task.sizes, Generator())
    params = tuple(pm.Linear(w.clone(), b.clone()) for w, b in zip(start.params[::2], start.params[1::2]))
    optimizer = pm.sgd(task.lr) if task.optimizer == "sgd" else pm.adam(task.lr)
    loss = pm.mse if task.loss == "mse" else pm.bce_with_logits
    return pm.training_step(net, loss, optimizer), (params, optimizer.init(params))


def pure(start: Start) -> Peer:
    """The pure step itself."""
    run, carry = training(start)

    def step(batch: Batch) -> Tensor:
        nonlocal carry
        carry, loss = run(carry, batch)
        return loss

    return Peer(step, start.batches, lambda: pm.tree_leaves(carry[0]))


def plan(start: Start) -> Peer:
    """The plan of the step."""
    program = pm.Plan(*training(start), start.batches[0])
    return Peer(program.step, start.batches, lambda: pm.tree_leaves(program.carry()[0]))


def fold(start: Start) -> Peer:
    """`fold` over k batches a call, from records to records."""
    run, carry = training(start)
    folded = pm.fold(run)

    def step(batches: Sequence[Batch]) -> Tensor:
        nonlocal carry
        carry, losses = folded(carry, batches)
        return losses

    return Peer(step, [start.many()], lambda: pm.tree_leaves(carry[0]), start.task.k)


def _native(start: Start) -> pm.Plan[Carry, Batch]:
    """The plan on the native engine. Raises `LookupError` where the plan chose another."""
    program = pm.Plan(*training(start), start.batches[0], engine="native")
    if program.engine != "native":
        raise LookupError(f"the engine is {program.engine}")
    return program


def native(start: Start) -> Peer:
    """The plan on the native engine, a call a step."""
    program = _native(start)
    return Peer(program.step, start.batches, lambda: pm.tree_leaves(program.carry()[0]))


def native_fold(start: Start) -> Peer:
    """The plan on the native engine, k steps a call, over slices of one tensor, as `lax_scan`."""
    program = _native(start)
    x, y = zip(*start.many())
    batches = pm.Slices((torch.stack(x), torch.stack(y)))
    return Peer(program.run, [batches], lambda: pm.tree_leaves(program.carry()[0]), start.task.k)
