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
from pure_mlp.quantities.angles import angles
from pure_mlp.quantities.credit import (
    direct_feedback_alignment,
    feedback_alignment,
    kolen_pollack,
    sign_symmetric,
    straight_through,
)
from pure_mlp.quantities.memory import cache_nbytes


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=F64)


@pytest.mark.parametrize("f", [pm.tanh, pm.relu, pm.gelu], ids=pm.layer_name)
def test_feedback_alignment_is_direct_with_one_hidden_layer(f: pm.Activation) -> None:
    net, params = pm.mlp((5, 7, 3), Generator().manual_seed(0), f, dtype=F64)
    feedback = affine(5, 7, 8), affine(7, 3, 9)
    x, y = normal(6, 5, seed=1), normal(6, 3, seed=2)
    J, grads = value_and_grad(feedback_alignment(net, feedback), mse)(params, x, y)
    directly = value_and_grad(direct_feedback_alignment(net, feedback), mse)(params, x, y)
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
    grads = value_and_grad(direct_feedback_alignment(net, feedback), mse)(params, x, y)[1]
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
    """30-20-10: the weights come to agree with the feedback, the angle to the true gradient falls, the loss goes to 0."""
    target = normal(30, 10, seed=0) / 30**0.5
    net = serial(linear, linear)
    nothing = normal(20, seed=1) * 0, normal(10, seed=1) * 0
    params = pm.Linear(normal(20, 30, seed=1) / 30, nothing[0]), pm.Linear(normal(10, 20, seed=2) / 20, nothing[1])
    feedback = params[0], pm.Linear(normal(10, 20, seed=3) / 20**0.5, nothing[1])
    loss = partial(squared_norm, reduction="mean")
    rule, optimizer = feedback_alignment(net, feedback), pm.sgd(0.05)
    step, carry = pm.training_step(rule, loss, optimizer), (params, optimizer.init(params))
    turned: list[float] = []
    losses: list[float] = []
    for i in range(500):
        x = normal(20, 30, seed=100 + i % 20)
        grads = [value_and_grad(f, loss)(carry[0], x, x @ target)[1] for f in (net, rule)]
        turned.append(float(angles(*grads)[0].weight))
        carry, J = step(carry, (x, x @ target))
        losses.append(float(J))
    assert losses[-1] < 1e-2 * losses[0]
    assert turned[0] > 75
    assert turned[-1] < 60


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_kolen_pollack_brings_weights_and_feedback_together(decay: float) -> None:
    """W - B shrinks by 1 - rate decay a step, whatever the data; with B = W it is backpropagation with weight decay."""
    net, params = pm.mlp((5, 7, 4, 3), Generator().manual_seed(0), pm.tanh, dtype=F64)
    feedback = pm.mlp((5, 7, 4, 3), Generator().manual_seed(1), dtype=F64)[1]
    rule, optimizer = kolen_pollack(net, decay), pm.sgd(0.1)
    x, y = normal(6, 5, seed=1), normal(6, 3, seed=2)
    step, carry = pm.training_step(rule, mse, optimizer), ((params, feedback), optimizer.init((params, feedback)))
    for _ in range(4):
        carry, _ = step(carry, (x, y))
    apart = flat(carry[0][0]) - flat(carry[0][1])
    torch.testing.assert_close(apart, (1 - 0.1 * decay) ** 4 * (flat(params) - flat(feedback)), atol=1e-14, rtol=1e-12)
    J, (own, back) = value_and_grad(rule, mse)((params, params), x, y)
    true = value_and_grad(net, mse)(params, x, y)
    torch.testing.assert_close(flat(own), flat(true[1]) + decay * flat(params), atol=1e-15, rtol=1e-13)
    assert torch.equal(flat(own), flat(back))
    plain = value_and_grad(kolen_pollack(net, 0.0), mse)((params, feedback), x, y)[1][0]
    assert torch.equal(flat(plain), flat(value_and_grad(feedback_alignment(net, feedback), mse)(params, x, y)[1]))
    assert torch.equal(J, true[0])


def test_every_rule_is_trained_in_a_plan() -> None:
    """As any net: to the losses of the pure loop, which fall."""
    net, params = pm.mlp((5, 7, 4, 3), Generator().manual_seed(0), pm.tanh, dtype=F64)
    feedback = pm.mlp((5, 7, 4, 3), Generator().manual_seed(1), dtype=F64)[1]
    direct = tuple(pm.Linear(normal(3, p.weight.shape[1], seed=9), p.bias) for p in params)
    x = normal(64, 5, seed=1)
    y = torch.tanh(x @ normal(5, 3, seed=2))
    rules: list[tuple[Any, Any]] = [
        (feedback_alignment(net, feedback), params),
        (direct_feedback_alignment(net, direct), params),
        (sign_symmetric(net, params), params),
        (kolen_pollack(net, 1e-3), (params, feedback)),
    ]
    for rule, start in rules:
        optimizer = pm.sgd(0.1)
        step, carry = pm.training_step(rule, mse, optimizer), (start, optimizer.init(start))
        told = [pm.fit(step, carry, (x, y), epochs=10, batch=16, generator=Generator(), engine=e)[1] for e in ("pure", "plan")]
        assert told[1][-1].engine == "plan"
        torch.testing.assert_close([e.loss for e in told[0]], [e.loss for e in told[1]], atol=1e-12, rtol=1e-12)
        assert told[1][-1].loss < told[1][0].loss


def test_angles() -> None:
    """Known ones, in any precision, near 0 and 180 as good as between; of a zero there is none."""
    for dtype, tiny in ((F64, 1e-9), (torch.float32, 1e-3)):
        x = torch.tensor([1.0, 0.0], dtype=dtype)
        for degrees in (0.0, tiny, 30.0, 90.0, 179.0, 180.0):
            a = torch.deg2rad(torch.tensor(degrees, dtype=dtype))
            (found,) = angles((x,), (3 * torch.stack((a.cos(), a.sin())),))
            torch.testing.assert_close(found, torch.tensor(degrees, dtype=dtype), atol=1e-5 if tiny > 1e-6 else 1e-13, rtol=1e-4)
    assert angles((torch.zeros(2),), (torch.ones(2),))[0].isnan()
    assert angles((torch.ones(2).bfloat16(),), (torch.ones(2).bfloat16(),))[0] == 0


def test_feedback_that_does_not_fit_is_refused() -> None:
    net, params, x, y, loss = CASES["mlp"]
    other = pm.mlp((3, 5, 4, 2), Generator(), dtype=F64)[1]
    for rule, shape in ((feedback_alignment, r"\(4, 6\)"), (direct_feedback_alignment, r"\(2, 6\)")):
        with pytest.raises(ValueError, match=rf"layer 1 .* backward: feedback \(4, 5\) float64, expected {shape} float64"):
            value_and_grad(rule(net, other), loss)(params, x, y)
        with pytest.raises(ValueError, match="serial: 3 layers, 2 params"):
            value_and_grad(rule(net, other[1:]), loss)(params, x, y)
    with pytest.raises(ValueError, match=r"kolen_pollack: params of serial alone, expected the pair \(params, feedback\)"):
        kolen_pollack(net, 0.1).fwd(params, x)


def test_under_a_rule_there_is_no_hessian() -> None:
    """The second derivatives of a layer are those of its own backward pass, not of another one."""
    net, params, x, y, loss = CASES["mlp of relu"]
    straight: Any = lambda f: straight_through(f) if f is pm.relu else f  # noqa: E731  # over takes rules of all types
    bent = pm.over(straight, net)
    for rule in (feedback_alignment(net, params), sign_symmetric(net, params), bent, pm.guided_backpropagation(net)):
        with pytest.raises(ValueError, match=r"(linear|relu) has no bwd_jvp, which is needed here"):
            pm.hvp(rule, loss)(params, x, y, params)


def test_a_decay_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match="kolen_pollack: decay -1, expected >= 0"):
        kolen_pollack(pm.linear, -1)


def test_bytes_of_caches() -> None:
    """Those of the storages that a real forward pass keeps, whatever the net."""
    for case in CASES.values():
        cache = case.net.fwd(case.params, case.x)[1]
        held = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tree_leaves(cache) if t.numel()}
        assert cache_nbytes(case.net, case.params, case.x) == sum(held.values())
