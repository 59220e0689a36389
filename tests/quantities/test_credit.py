"""Rules for credit: what comes down is what each says, and the forward pass is untouched."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from examples import CASES, F64, affine, flat
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import linear, mse, serial, squared_norm, tree_leaves, value_and_grad
from pure_mlp.quantities.credit import direct_feedback_alignment, feedback_alignment, sign_symmetric, straight_through
from pure_mlp.quantities.memory import cache_nbytes


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=F64)


@pytest.mark.parametrize("f", [pm.tanh, pm.relu, pm.gelu], ids=pm.layer_name)
def test_feedback_alignment_is_direct_with_one_hidden_layer(f: pm.Activation) -> None:
    net, params = pm.mlp((5, 7, 3), Generator().manual_seed(0), f, dtype=F64)
    feedback = affine(5, 7, 8), affine(7, 3, 9)
    x, y = normal(6, 5, seed=1), normal(6, 3, seed=2)
    J, grads = value_and_grad(feedback_alignment(net, feedback), mse)(params, x, y)
    directly = direct_feedback_alignment(net, mse, feedback)(params, x, y)
    assert all(map(torch.equal, tree_leaves((J, grads)), tree_leaves(directly)))
    assert not torch.equal(flat(grads), flat(value_and_grad(net, mse)(params, x, y)[1]))
    assert torch.equal(J, value_and_grad(net, mse)(params, x, y)[0])


def test_with_the_weights_as_feedback_it_is_backpropagation() -> None:
    for name in ("mlp", "blocks", "wide", "several rows an example"):
        net, params, x, y, loss = CASES[name]
        ours = value_and_grad(feedback_alignment(net, params), loss)(params, x, y)
        assert all(map(torch.equal, tree_leaves(ours), tree_leaves(value_and_grad(net, loss)(params, x, y))))


def test_direct_feedback_of_three_layers_by_hand() -> None:
    net, params = pm.mlp((5, 4, 6, 3), Generator().manual_seed(0), pm.tanh, dtype=F64)
    feedback = affine(5, 4, 1), affine(4, 3, 2), affine(6, 3, 3)
    x, y = normal(8, 5, seed=1), normal(8, 3, seed=2)
    h1, h2 = (pm.serial(*[pm.dense(pm.tanh)] * n).fwd(params[:n], x)[0] for n in (1, 2))
    e = mse(y, net.fwd(params, x)[0])[1]
    d1, d2 = (e @ feedback[1].weight) * (1 - h1 * h1), (e @ feedback[2].weight) * (1 - h2 * h2)
    grads = direct_feedback_alignment(net, mse, feedback)(params, x, y)[1]
    for grad, delta, below in zip(grads, (d1, d2, e), (x, h1, h2), strict=True):
        torch.testing.assert_close(grad.weight, delta.mT @ below, atol=1e-14, rtol=1e-12)
        torch.testing.assert_close(grad.bias, delta.sum(0), atol=1e-14, rtol=1e-12)


def test_signs_and_straight_through() -> None:
    params = affine(4, 3, 0), (), affine(3, 2, 1)
    net = serial(linear, straight_through(pm.relu), linear)
    x, dy = normal(5, 4, seed=2), normal(5, 2, seed=3)
    cache = net.fwd(params, x)[1]
    expected = dy @ params[2].weight.sign() @ params[0].weight.sign()
    torch.testing.assert_close(sign_symmetric(net, params).bwd(params, cache, dy)[0], expected)
    torch.testing.assert_close(net.bwd(params, cache, dy)[0], dy @ params[2].weight @ params[0].weight)


def test_the_linear_task_of_lillicrap() -> None:
    """30-20-10: the weights come to agree with the feedback, the angle between the rules falls below 90 degrees, the loss to 0."""
    target = normal(30, 10, seed=0) / 30**0.5
    net: Any = serial(linear, linear)
    hidden, out = pm.Linear(normal(20, 30, seed=1) / 30, normal(20, seed=1) * 0), normal(10, seed=1) * 0
    params = hidden, pm.Linear(normal(10, 20, seed=2) / 20, out)
    feedback = hidden, pm.Linear(normal(10, 20, seed=3) / 20**0.5, out)
    loss = partial(squared_norm, reduction="mean")
    rule = feedback_alignment(net, feedback)
    angles: list[float] = []
    losses: list[float] = []
    optimizer: Any = pm.sgd(0.02)
    step, carry = pm.training_step(rule, loss, optimizer), (params, optimizer.init(params))
    for i in range(1500):
        x = normal(20, 30, seed=100 + i % 50)
        e = normal(20, 10, seed=5)
        sent, true = e @ feedback[1].weight, e @ carry[0][1].weight
        cosine = (sent * true).sum() / (sent.norm() * true.norm())
        angles.append(float(torch.rad2deg(torch.acos(cosine))))
        carry, J = step(carry, (x, x @ target))
        losses.append(float(J))
    assert losses[-1] < 1e-2 * losses[0]
    assert angles[0] > 75
    assert angles[-1] < 60


def test_bytes_of_caches() -> None:
    """Those of the storages that a real forward pass keeps, whatever the net."""
    for case in CASES.values():
        cache = case.net.fwd(case.params, case.x)[1]
        held = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tree_leaves(cache) if t.numel()}
        assert cache_nbytes(case.net, case.params, case.x) == sum(held.values())
