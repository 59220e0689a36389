"""`python -m tests.benchmarks.memory`: what a step of a deep net needs at its peak, relative to autograd's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint_sequential

import pure_mlp as pm
from pure_mlp._compile.plan import Plan

from .allocations import allocations
from .goals import verdict

DEPTH, WIDTH, BATCH, EVERY, LR = 32, 256, 4096, 4, 1e-2
GOALS = {"pure": 0.92, "pure, remat": 0.45}


def autograd(checkpointed: bool) -> Callable[[Tensor, Tensor], object]:
    """Linear and ReLU in turn, SGD; checkpointed: of every fourth layer only the input is kept."""
    modules = [module for _ in range(DEPTH) for module in (torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU())][:-1]
    net = torch.nn.Sequential(*modules)
    optimizer = torch.optim.SGD(net.parameters(), lr=LR)

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        z = checkpoint_sequential(net, DEPTH // EVERY, x, use_reentrant=False) if checkpointed else net(x)
        loss = F.mse_loss(z, y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def ours(remat: bool) -> tuple[pm.Step[Any, pm.Batch], Any]:
    """The same as a pure step and its first carry."""
    net, params = pm.mlp([WIDTH] * (DEPTH + 1), Generator().manual_seed(0))
    optimizer = pm.sgd(LR)
    if not remat:
        return pm.training_step(net, pm.mse, optimizer), (params, optimizer.init(params))
    inner, bottom, top = pm.dense(pm.relu), pm.dense(pm.relu, pm.linear_bottom), pm.dense(pm.identity)
    layers = [bottom, *[inner] * (DEPTH - 2), top]
    cuts = [*pairwise(range(0, DEPTH + 1, EVERY))]
    blocks = pm.serial(*[pm.remat(pm.serial(*layers[i:j])) for i, j in cuts])
    parts = tuple(params[i:j] for i, j in cuts)
    return pm.training_step(blocks, pm.mse, optimizer), (parts, optimizer.init(parts))


def main() -> None:
    """Print peak and sum of the allocations of each step."""
    torch.set_num_threads(1)
    x, y = (torch.randn(BATCH, WIDTH, generator=Generator().manual_seed(seed)) for seed in (0, 1))
    found: dict[str, tuple[int, int]] = {}
    for suffix, saving in (("", False), (", remat", True)):
        found[f"autograd{', checkpoint' if saving else ''}"] = allocations(partial(autograd(saving), x, y))
        step, carry = ours(saving)
        found[f"pure{suffix}"] = allocations(partial(step, carry, (x, y)))
        planned = Plan(step, carry, (x, y))
        peak, total = allocations(partial(planned.step, (x, y)))
        found[f"plan{suffix}"] = peak + sum(t.untyped_storage().nbytes() for t in planned.buffers), total
    print(f"{DEPTH} layers of {WIDTH}, batch {BATCH}, MSE, SGD; MiB besides the parameters: peak, over autograd's, allocated")
    for name, (peak, total) in found.items():
        share = peak / found["autograd"][0]
        goal = f"   goal <= {GOALS[name]}: {verdict(share, GOALS[name], noise=0)}" if name in GOALS else ""
        print(f"  {name:20} {peak / 2**20:8.2f} {share:6.3f} {total / 2**20:8.2f}{goal}")
    print("the peak of a plan includes the buffers that it owns all the time")


if __name__ == "__main__":
    main()
