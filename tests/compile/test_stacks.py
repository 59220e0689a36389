"""Stacks of nets in C, one net after another: what a part reads of another part ends the loop over the parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from fuzz.loop import Case
from torch import Generator, Tensor

import pure_mlp as pm

from .engines import F64, agrees, draw, needs_compiler

Stacked = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
STEPS: dict[str, Stacked] = {
    "alone": lambda w, x: (w - 0.1 * (x.mT @ (x @ w).relu()), x.sum()),
    "sums": lambda w, x: (w - 0.1 * (x.mT @ (x @ w)).sum(1, keepdim=True), (x @ w).softmax(-1).sum((1, 2)).square().sum()),
    "across": lambda w, x: (w - 0.1 * (x.mT @ (x @ w)).sum(0), (x @ w).mean()),
    "softmax across": lambda w, x: (w - 0.1 * (x.mT @ (x @ w).softmax(0)), (x @ w).mean()),
    "first is last": lambda w, x: (w + 0.1 * (x.mT @ (x @ w).transpose(0, 1).reshape(x.shape[0], -1, w.shape[-1])), x.sum()),
    "one for all": lambda w, x: (w - 0.1 * (w[:1] @ (x.mT @ (x @ w))).tanh(), x.sum()),
    "shifted": lambda w, x: (w + 0.1 * torch.cat((w[1:], w[:1])) * (x.mT @ (x @ w)), x.sum()),
    "into what others read": lambda w, x: (0.5 * w + 0.1 * (x.mT @ (x @ w.transpose(0, 2).contiguous())), x.sum()),
}


@needs_compiler
@pytest.mark.parametrize("name", STEPS)
def test_stacked_products_with_what_their_parts_share(name: str) -> None:
    agrees(lambda: Case(STEPS[name], draw(3, 3, 3), [draw(3, 4, 3, seed=n) for n in range(4)]), "native", floor="native")


@needs_compiler
@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [(pm.mse, pm.adam(0.1)), (pm.bce, pm.sgd(0.1)), (pm.bce_with_logits, pm.chain(pm.clip_by_global_norm(0.1), pm.sgd(0.1, 0.9)))],
)
def test_an_ensemble_of_many_nets(loss: pm.Loss, optimizer: pm.Optimizer) -> None:
    net, params = pm.mlp((3, 4, 2), Generator().manual_seed(0), pm.tanh, pm.sigmoid, dtype=F64)
    many = pm.tree_map(lambda p: torch.stack([p * (1 + 0.01 * i) for i in range(70)]), params)
    step = pm.training_step(pm.ensemble(net), loss, optimizer)
    batches = [(draw(70, n, 3, seed=n), draw(70, n, 2, seed=n + 9).sigmoid()) for n in (5, 5, 5, 4)]
    agrees(lambda: Case(step, (many, optimizer.init(many)), batches), "native", floor="native")
