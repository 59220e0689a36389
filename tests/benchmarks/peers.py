"""The competitors: each trains the same net from the same parameters on the same batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

import pure_mlp as pm
from pure_mlp.plan.plan import plan

Batch = tuple[Tensor, Tensor]
Parameters = list[tuple[Tensor, Tensor]]


class Peer(NamedTuple):
    """One step on a batch, and the parameters after it: weight, bias, weight, ..; None for one that trains nothing."""

    step: Callable[[Batch], object]
    params: Callable[[], Sequence[Tensor]] | None


class Task(NamedTuple):
    """Where everybody starts: parameters, the first batch, which loss and optimizer, the learning rate."""

    start: Parameters
    batch: Batch
    loss: str
    optimizer: str
    lr: float

    def value(self, z: Tensor, y: Tensor) -> Tensor:
        """The loss by torch's own functions."""
        return F.mse_loss(z, y) if self.loss == "mse" else F.binary_cross_entropy_with_logits(z, y)

    def leaves(self) -> list[Tensor]:
        """Fresh copies of the parameters that autograd knows."""
        return [t.detach().clone().requires_grad_() for pair in self.start for t in pair]


def forward(params: Sequence[Tensor], x: Tensor) -> Tensor:
    """The net by torch's functions."""
    for i in range(0, len(params), 2):
        x = F.linear(x, params[i], params[i + 1])
        x = torch.relu(x) if i + 2 < len(params) else x
    return x


def eager(task: Task, fused: bool = False) -> Peer:
    """torch.nn, autograd and torch.optim, as in any tutorial."""
    layers: list[torch.nn.Module] = []
    for weight, bias in task.start:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": weight, "bias": bias})
        layers += [linear, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    chosen = torch.optim.SGD if task.optimizer == "sgd" else torch.optim.Adam
    optimizer = chosen(net.parameters(), lr=task.lr, fused=fused or None)

    def step(batch: Batch) -> Tensor:
        optimizer.zero_grad()
        loss = task.value(net(batch[0]), batch[1])
        loss.backward()
        optimizer.step()
        return loss

    return Peer(step, lambda: [*net.parameters()])


def lean(task: Task) -> Peer:
    """autograd without modules and optimizers: grad, and one `_foreach_add_`."""
    params = task.leaves()

    def step(batch: Batch) -> Tensor:
        loss = task.value(forward(params, batch[0]), batch[1])
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            torch._foreach_add_(params, grads, alpha=-task.lr)
        return loss

    return Peer(step, lambda: params)


def func(task: Task) -> Peer:
    """torch.func.grad_and_value and a pure update."""
    gradient = torch.func.grad_and_value(lambda params, x, y: task.value(forward(params, x), y))
    state = [[t.detach() for t in task.leaves()]]

    def step(batch: Batch) -> Tensor:
        grads, loss = gradient(state[0], *batch)
        state[0] = [p - task.lr * g for p, g in zip(state[0], grads)]
        return torch.as_tensor(loss)

    return Peer(step, lambda: state[0])


def ours(task: Task, planned: bool) -> Peer:
    """This library: the pure step, or the plan of it."""
    sizes = (task.start[0][0].shape[1], *(len(bias) for _, bias in task.start))
    net, _ = pm.mlp(sizes, torch.Generator())
    params = tuple(pm.Linear(weight.clone(), bias.clone()) for weight, bias in task.start)
    optimizer = pm.sgd(task.lr) if task.optimizer == "sgd" else pm.adam(task.lr)
    step = pm.training_step(net, pm.mse if task.loss == "mse" else pm.bce_with_logits, optimizer)
    carry = [(params, optimizer.init(params))]
    if planned:
        program = plan(step, carry[0], task.batch)
        return Peer(program.step, lambda: pm.tree_leaves(program.carry()[0]))

    def pure(batch: Batch) -> Tensor:
        carry[0], loss = step(carry[0], batch)
        return loss

    return Peer(pure, lambda: pm.tree_leaves(carry[0][0]))


def numpy(task: Task) -> Peer:
    """numpy with `out=` everywhere."""
    import numpy as np

    params = [[t.detach().numpy().copy() for t in pair] for pair in task.start]
    n = len(task.batch[0])
    hs = [np.empty((n, len(b)), np.float32) for _, b in params]
    ds = [np.empty_like(h) for h in hs]
    gs = [[np.empty_like(t) for t in pair] for pair in params]

    def step(batch: Batch) -> float:
        x, y = (t.numpy() for t in batch)
        for i, (w, b) in enumerate(params):
            np.dot(x if i == 0 else hs[i - 1], w.T, out=hs[i])
            np.add(hs[i], b, out=hs[i])
            if i + 1 < len(params):
                np.maximum(hs[i], 0, out=hs[i])
        d = np.subtract(hs[-1], y, out=ds[-1])
        loss = float(np.dot(d.ravel(), d.ravel()) / d.size)
        np.multiply(d, 2 / d.size, out=d)
        for i in reversed(range(len(params))):
            (w, b), (gw, gb) = params[i], gs[i]
            np.dot(ds[i].T, x if i == 0 else hs[i - 1], out=gw)
            np.sum(ds[i], axis=0, out=gb)
            if i:
                np.dot(ds[i], w, out=ds[i - 1])
                np.multiply(ds[i - 1], hs[i - 1] > 0, out=ds[i - 1])
            for p, g in ((w, gw), (b, gb)):
                np.multiply(g, task.lr, out=g)
                np.subtract(p, g, out=p)
        return loss

    return Peer(step, lambda: [torch.from_numpy(t) for pair in params for t in pair])


def gemms(task: Task) -> Peer:
    """The matrix products of a step and nothing else: the floor of MKL."""
    n = len(task.batch[0])
    inputs = [task.batch[0], *(torch.empty(n, len(b)).normal_() for _, b in task.start)]
    weights, grads = [w for w, _ in task.start], [torch.empty_like(w) for w, _ in task.start]
    outs = [torch.empty_like(h) for h in inputs]

    def step(batch: Batch) -> None:
        for i, w in enumerate(weights):
            torch.mm(batch[0] if i == 0 else inputs[i], w.t(), out=outs[i + 1])
            torch.mm(inputs[i + 1].t(), inputs[i], out=grads[i])
            if i:
                torch.mm(inputs[i + 1], w, out=outs[i])

    return Peer(step, None)


def peers(task: Task, threads: int) -> dict[str, Peer]:
    """Everybody who can run this task; numpy's own threads disturb torch's, so it runs with one."""
    found = {"eager": eager(task), "func": func(task), "gemms": gemms(task)}
    found |= {"pure": ours(task, planned=False), "plan": ours(task, planned=True)}
    if task.optimizer == "adam":
        found["eager, fused"] = eager(task, fused=True)
        del found["func"]
    else:
        found["lean"] = lean(task)
        if threads == 1 and task.loss == "mse":
            try:
                found["numpy"] = numpy(task)
            except ImportError:
                print("numpy is not there")
    return found
