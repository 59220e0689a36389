"""The peers that torch's autograd differentiates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from .task import Peer, Task
from .tensors import Batch, Start

Tensors: TypeAlias = list[Tensor] | tuple[Tensor, ...]


def value(task: Task, z: Tensor, y: Tensor) -> Tensor:
    """The loss by torch's own functions."""
    return F.mse_loss(z, y) if task.loss == "mse" else F.binary_cross_entropy_with_logits(z, y)


def forward(params: Sequence[Tensor], x: Tensor) -> Tensor:
    """The net by torch's functions."""
    for i in range(0, len(params), 2):
        x = F.linear(x, params[i], params[i + 1])
        x = torch.relu(x) if i + 2 < len(params) else x
    return x


def updater(task: Task, params: Tensors, count: float | Tensor) -> Callable[[Tensors], None]:
    """The update of the parameters in place by `_foreach` operations; Adam counts in a number, or in a tensor that is changed."""
    m, v = ([torch.zeros_like(p, requires_grad=False) for p in params] for _ in range(2))

    def sgd(grads: Tensors) -> None:
        torch._foreach_add_(params, grads, alpha=-task.lr)

    def adam(grads: Tensors) -> None:
        nonlocal count
        count += 1
        torch._foreach_lerp_(m, grads, 0.1)
        torch._foreach_mul_(v, 0.999)
        torch._foreach_addcmul_(v, grads, grads, 0.001)
        d = torch._foreach_sqrt(v)
        torch._foreach_div_(d, (1 - 0.999**count) ** 0.5)
        torch._foreach_add_(d, 1e-8)
        d = torch._foreach_div(m, d)
        torch._foreach_mul_(d, -task.lr / (1 - 0.9**count))
        torch._foreach_add_(params, d)

    return sgd if task.optimizer == "sgd" else adam


def eager(start: Start, fused: bool = False) -> Peer:
    """torch.nn, autograd and torch.optim, as in any tutorial."""
    task, layers = start.task, []
    for weight, bias in zip(start.params[::2], start.params[1::2]):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": weight, "bias": bias})
        layers += [linear, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    chosen = torch.optim.SGD if task.optimizer == "sgd" else torch.optim.Adam
    optimizer = chosen(net.parameters(), lr=task.lr, fused=fused or None)

    def step(batch: Batch) -> Tensor:
        optimizer.zero_grad()
        loss = value(task, net(batch[0]), batch[1])
        loss.backward()
        optimizer.step()
        return loss

    return Peer(step, start.batches, lambda: [*net.parameters()])


def eager_fused(start: Start) -> Peer:
    """`eager` with `fused=True`: the update of all parameters is one kernel."""
    return eager(start, fused=True)


def lean(start: Start) -> Peer:
    """autograd without modules and optimizers: grad, and `_foreach` updates."""
    params = [p.clone().requires_grad_() for p in start.params]
    update = updater(start.task, params, 0)

    def step(batch: Batch) -> Tensor:
        loss = value(start.task, forward(params, batch[0]), batch[1])
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            update(grads)
        return loss

    return Peer(step, start.batches, lambda: params)


def func(start: Start, count: float | Tensor = 0) -> Peer:
    """torch.func.grad_and_value and `_foreach` updates."""
    params = [p.clone() for p in start.params]
    update = updater(start.task, params, count)
    gradient = torch.func.grad_and_value(lambda ps, x, y: value(start.task, forward(ps, x), y))

    def step(batch: Batch) -> Tensor:
        grads, loss = gradient(params, *batch)
        update(grads)
        return torch.as_tensor(loss)

    return Peer(step, start.batches, lambda: params)
