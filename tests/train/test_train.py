"""Training: a step equals autograd with torch.optim on real data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest
import torch
from torch import Generator, Tensor, nn

from pure_mlp import (
    Activation,
    Batch,
    Loss,
    Optimizer,
    adam,
    batches,
    bce_with_logits,
    cross_entropy,
    mlp,
    mse,
    relu,
    sgd,
    sigmoid,
    tanh,
    training_step,
    tree_leaves,
    value_and_grad,
)
from pure_mlp.data.load import load
from pure_mlp.data.standardize import fit_standardizer, standardize


class Case(NamedTuple):
    """The same training for us and for torch."""

    data: str
    f: Activation
    torch_f: Callable[[], nn.Module]
    loss: Loss
    torch_loss: Callable[[Tensor, Tensor], Tensor]
    optimizer: Optimizer
    torch_optimizer: Callable[[Iterable[Tensor]], torch.optim.Optimizer]


def torch_adam(lr: float) -> Callable[[Iterable[Tensor]], torch.optim.Optimizer]:
    return lambda p: torch.optim.Adam(p, lr)


def torch_sgd(lr: float) -> Callable[[Iterable[Tensor]], torch.optim.Optimizer]:
    return lambda p: torch.optim.SGD(p, lr, 0.9)


CE, MSE, BCE = nn.functional.cross_entropy, nn.functional.mse_loss, nn.functional.binary_cross_entropy_with_logits
CASES = {
    "digits": Case("digits", relu, nn.ReLU, cross_entropy, CE, adam(1e-3), torch_adam(1e-3)),
    "digits, momentum": Case("digits", sigmoid, nn.Sigmoid, cross_entropy, CE, sgd(0.1, 0.9), torch_sgd(0.1)),
    "diabetes": Case("diabetes", relu, nn.ReLU, mse, MSE, sgd(0.01, 0.9), torch_sgd(0.01)),
    "diabetes, adam": Case("diabetes", tanh, nn.Tanh, mse, MSE, adam(1e-2), torch_adam(1e-2)),
    "breast_cancer": Case("breast_cancer", relu, nn.ReLU, bce_with_logits, BCE, adam(1e-3), torch_adam(1e-3)),
}


def examples(name: str) -> Batch:
    """A shipped set in float64, features standardised, regression targets too."""
    data = load(name)
    x, y = data.x.double(), data.y if data.task == "classes" else data.y.double()
    return standardize(fit_standardizer(x), x), standardize(fit_standardizer(y), y) if data.task == "regression" else y


@pytest.mark.parametrize("name", CASES)
def test_an_epoch_on_real_data_equals_autograd(name: str) -> None:
    case = CASES[name]
    x, y = examples(case.data)
    sizes = (x.shape[1], 64, 32, 10 if y.dim() == 1 else 1)
    net, params = mlp(sizes, Generator().manual_seed(0), case.f, dtype=torch.float64)
    module = nn.Sequential(
        nn.Linear(*sizes[:2]), case.torch_f(), nn.Linear(*sizes[1:3]), case.torch_f(), nn.Linear(*sizes[2:])
    ).double()
    with torch.no_grad():
        for theirs, ours in zip(module.parameters(), tree_leaves(params), strict=True):
            theirs.copy_(ours)
    stepper = case.torch_optimizer(module.parameters())

    step, carry = training_step(net, case.loss, case.optimizer), (params, case.optimizer.init(params))
    losses, expected = [], []
    for piece in batches((x, y), 32, Generator().manual_seed(1)):
        carry, J = step(carry, piece)
        losses.append(J.item())
        stepper.zero_grad()
        reference = case.torch_loss(module(piece[0]), piece[1])
        reference.backward()
        stepper.step()
        expected.append(reference.item())
    assert len(losses) == -(-len(x) // 32)
    assert losses == pytest.approx(expected, abs=1e-12, rel=0)
    assert losses[-1] < losses[0]
    torch.testing.assert_close(tree_leaves(carry[0]), [p.detach() for p in module.parameters()], atol=1e-12, rtol=0)


def test_the_step_is_value_and_grad_and_update() -> None:
    net, params = mlp((3, 8, 2), Generator().manual_seed(0), tanh, dtype=torch.float64)
    x, y = torch.ones(5, 3, dtype=torch.float64), torch.zeros(5, 2, dtype=torch.float64)
    step, state = training_step(net, mse, adam(0.01)), adam(0.01).init(params)
    J, grads = value_and_grad(net, mse)(params, x, y)
    expected = adam(0.01).update(params, grads, state), J
    for a, b in zip(tree_leaves(step((params, state), (x, y))), tree_leaves(expected), strict=True):
        assert torch.equal(a, b)
