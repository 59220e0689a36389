"""Quantities of single examples equal those of gradients that are formed one at a time."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import pytest
import torch
from examples import CASES, F64, MLP, Case, flat, formed, made
from torch import Generator, Tensor
from torch.utils.flop_counter import FlopCounterMode

import pure_mlp as pm
from pure_mlp import fit, sgd, tree_leaves, tree_map, value_and_grad
from pure_mlp.quantities.dots import example_dots
from pure_mlp.quantities.examples import example_grads, example_norms
from pure_mlp.quantities.gramian import gramian, ntk
from pure_mlp.quantities.private import clipped_grads, noised, private_grads
from pure_mlp.quantities.variance import gradient_variance, noise_scale

over_cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
EMPTY = made(*MLP, (0,))


def close(actual: object, expected: object) -> None:
    torch.testing.assert_close(tree_leaves(actual), tree_leaves(expected), atol=1e-13, rtol=1e-11, equal_nan=True)


def whole(tree: object) -> Tensor:
    return torch.stack(tree_leaves(tree)).sum(0)


@over_cases
def test_the_gradients_of_examples_are_formed_and_sum_to_the_gradient(case: Case) -> None:
    net, params, x, y, loss = case
    J, grads = example_grads(net, loss)(params, x, y)
    J_whole, sums = value_and_grad(net, loss)(params, x, y)
    assert torch.equal(J, J_whole)
    close(grads, formed(case))
    close(tree_map(lambda g: g.sum(0), grads), sums)


@over_cases
def test_norms_and_inner_products_are_those_of_the_formed_gradients(case: Case) -> None:
    net, params, x, y, loss = case
    expected = formed(case)
    J, norms = example_norms(net, loss)(params, x, y)
    assert torch.equal(J, value_and_grad(net, loss)(params, x, y)[0])
    close(norms, tree_map(lambda g: g.unsqueeze(-1).flatten(1).square().sum(1), expected))
    close(whole(norms), flat(expected, 1).square().sum(1))
    kernels = gramian(net, loss)(params, x, y)[1]
    close(whole(kernels), flat(expected, 1) @ flat(expected, 1).mT)
    close(tree_map(torch.diag, kernels), norms)
    v = tree_map(torch.cos, params)
    close(example_dots(net, loss)(params, x, y, v), flat(expected, 1) @ flat(v))


def test_the_tangent_kernel_is_that_of_the_jacobian() -> None:
    net, params, x, _, _ = CASES["mlp"]
    jacobian = torch.func.jacrev(lambda p: net.fwd(p, x)[0])(params)
    J = torch.cat([t.flatten(2) for t in tree_leaves(jacobian)], -1)
    close(ntk(net)(params, x), torch.einsum("bkp,clp->bkcl", J, J))
    with pytest.raises(ValueError, match=r"ntk: an output \(1, 3, 2\) float64 for one input, expected \(1, K\)"):
        ntk(net)(params, x.unsqueeze(1).expand(5, 3, 3))
    with pytest.raises(ValueError, match=r"ntk: under dropout an output depends on its place in the batch: take evaluated\(net\)"):
        ntk(pm.serial(pm.remat(pm.dropout(0.5, 0)), net))(((), params), x)


def own(case: Case) -> Any:
    """The gradients of the examples' own losses: of the sum that the loss is a mean of."""
    factor = pm.mass(case.loss, case.y)[0]
    return tree_map(lambda g: g * factor, formed(case))


@over_cases
@pytest.mark.parametrize("limit", [1e-3, 0.3, 1e3])
def test_clipped_gradients(case: Case, limit: float) -> None:
    net, params, x, y, loss = case
    rows = flat(own(case), 1)
    factor = (limit / rows.norm(dim=1)).clamp(max=1)
    J, grads = clipped_grads(net, loss, limit)(params, x, y)
    assert torch.equal(J, value_and_grad(net, loss)(params, x, y)[0])
    close(flat(grads), (factor.unsqueeze(1) * rows).sum(0))


def test_the_reduction_does_not_change_what_is_clipped() -> None:
    net, params, x, y, _ = made(*MLP)
    summed = clipped_grads(net, partial(pm.squared_norm, reduction="sum"), 0.1)(params, x, y)[1]
    close(clipped_grads(net, partial(pm.squared_norm, reduction="mean"), 0.1)(params, x, y)[1], summed)
    parts = [clipped_grads(net, pm.squared_norm, 0.1)(params, x[i], y[i])[1] for i in (slice(0, 2), slice(2, 5))]
    close(tree_map(torch.add, *parts), summed)


@pytest.mark.parametrize("rematted", [False, True])
def test_a_clipped_gradient_takes_the_products_of_a_plain_one(rematted: bool) -> None:
    """And one of each row of x and dy with itself."""
    net, params, x, y, loss = made(*MLP, (8,))
    net = pm.remat(net) if rematted else net

    def products(f: Any) -> int:
        with FlopCounterMode(display=False) as counter:
            f(params, x, y)
        count: int = counter.get_total_flops()
        return count

    rows = 2 * 8 * (3 + 6 + 6 + 4 + 4 + 2)
    assert products(clipped_grads(net, loss, 0.1)) == products(value_and_grad(net, loss)) + rows > rows
    close(clipped_grads(net, loss, 0.1)(params, x, y)[1], clipped_grads(MLP[0], loss, 0.1)(params, x, y)[1])


def test_the_change_of_one_example_moves_the_sum_by_at_most_the_limit() -> None:
    net, params, x, y, loss = CASES["mlp"]
    f = clipped_grads(net, loss, 0.25)
    other = x.clone()
    other[2] *= 1e9
    moved = flat(f(params, other, y)[1]) - flat(f(params, x, y)[1])
    assert moved.norm() <= 0.5
    removed = torch.arange(5) != 2
    assert (flat(f(params, x[removed], y[removed])[1]) - flat(f(params, x, y)[1])).norm() <= 0.25 * (1 + 1e-12)


def test_private_gradients() -> None:
    net, params, x, y, loss = CASES["mlp"]
    f = private_grads(net, loss, 0.5, 2.0, 10)

    def drawn(x: Tensor, y: Tensor, seed: int) -> Any:
        return f(params, x, y, Generator().manual_seed(seed))[1]

    noise = noised(tree_map(torch.zeros_like, params), 1.0, Generator().manual_seed(3))  # 2.0 times 0.5
    close(drawn(x, y, 3), tree_map(lambda g, n: (g + n) / 10, clipped_grads(net, loss, 0.5)(params, x, y)[1], noise))
    assert all(map(torch.equal, tree_leaves(drawn(x, y, 3)), tree_leaves(drawn(x, y, 3))))
    assert not torch.equal(flat(drawn(x, y, 3)), flat(drawn(x, y, 4)))
    close(drawn(EMPTY.x, EMPTY.y, 3), tree_map(lambda n: n / 10, noise))


def test_the_noise_has_the_deviation_that_is_asked_for() -> None:
    (drawn,) = noised((torch.zeros(20000, dtype=F64),), 3.0, Generator().manual_seed(0))
    assert abs(float(drawn.std()) - 3) < 0.06
    assert abs(float(drawn.mean())) < 0.07


@over_cases
def test_the_variance_of_gradients(case: Case) -> None:
    net, params, x, y, loss = case
    mean, variance = gradient_variance(net, loss)(params, x, y)
    rows = flat(own(case), 1)
    close(flat(mean), rows.mean(0))
    expected = rows.var(0) if len(x) > 1 else rows[0] * torch.nan
    torch.testing.assert_close(flat(variance), expected, atol=1e-12, rtol=1e-8, equal_nan=True)
    trace, signal = flat(variance).sum(), rows.mean(0).square().sum()
    close(noise_scale(mean, variance, len(x)), trace / (signal - trace / len(x)))


@pytest.mark.parametrize("name", ["mlp", "blocks"])
def test_of_an_empty_batch(name: str) -> None:
    net, params, x, y, loss = CASES[name]
    x, y = x[:0], y[:0]
    close(example_grads(net, loss)(params, x, y)[1], tree_map(lambda p: p.new_zeros(0, *p.shape), params))
    assert {tuple(n.shape) for n in tree_leaves(example_norms(net, loss)(params, x, y)[1])} == {(0,)}
    assert {tuple(k.shape) for k in tree_leaves(gramian(net, loss)(params, x, y)[1])} == {(0, 0)}
    assert example_dots(net, loss)(params, x, y, params).shape == (0,)
    close(clipped_grads(net, loss, 1.0)(params, x, y)[1], tree_map(torch.zeros_like, params))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_low_precision(dtype: torch.dtype) -> None:
    """Norms of half precision are float32: a square of 1e-5 would be lost in the sum."""
    case = made(*MLP, (5, 3))
    params, x, y = tree_map(lambda t: t.to(dtype), (case.params, case.x, case.y))
    J, norms = example_norms(case.net, pm.mse)(params, x, y)
    exact = example_norms(case.net, pm.mse)(*tree_map(lambda t: t.to(F64), (params, x, y)))[1]
    assert J.dtype == dtype
    for actual, expected in zip(tree_leaves(norms), tree_leaves(exact), strict=True):
        assert actual.dtype == torch.float32
        torch.testing.assert_close(actual.double(), expected, atol=0, rtol=16 * torch.finfo(dtype).eps)
    grads = clipped_grads(case.net, pm.mse, 0.1)(params, x, y)[1]
    assert {g.dtype for g in tree_leaves(grads)} == {dtype}


def test_nan_stays_nan_and_a_norm_of_0_is_not_clipped() -> None:
    net, params, x, y, loss = CASES["mlp"]
    bad = x.clone()
    bad[1, 0] = torch.nan
    assert flat(clipped_grads(net, loss, 1.0)(params, bad, y)[1]).isnan().any()
    fitting = net.fwd(params, x)[0]
    assert not flat(clipped_grads(net, loss, 1.0)(params, x, fitting)[1]).any()


def test_rows_of_an_example_that_cancel_have_norm_0_and_are_not_clipped() -> None:
    """In float32 rounding takes some sums over pairs of rows below 0, which has no root."""
    g = Generator().manual_seed(5)
    half = torch.randn(20, 3, 4, generator=g)
    dy = torch.cat((half, -half), 1)[:, torch.randperm(6, generator=g)]
    x, params = torch.randn(20, 1, 3, generator=g).expand(20, 6, 3), pm.linear_init(3, 4, g)
    y = pm.linear.fwd(params, x)[0] - dy / 2
    _, norms = example_norms(pm.linear, pm.squared_norm)(params, x, y)
    assert all(bool((norm >= 0).all() and (norm < 1e-4).all()) for norm in tree_leaves(norms))
    assert flat(clipped_grads(pm.linear, pm.squared_norm, 1.0)(params, x, y)[1]).abs().max() < 1e-3


def test_equal_examples_have_no_variance_and_never_a_negative_one() -> None:
    net, params, x, y, loss = CASES["mlp"]
    params, x, y = tree_map(lambda t: t.float(), (params, x[:1].expand(7, 3), y[:1].expand(7, 2)))
    _, variance = gradient_variance(net, loss)(params, x, y)
    assert 0 <= flat(variance).min() <= flat(variance).max() < 1e-6
    halves = tree_map(lambda t: t.to(torch.bfloat16), (params, x, y))
    assert {v.dtype for v in tree_leaves(gradient_variance(net, loss)(*halves)[1])} == {torch.float32}


def test_a_net_without_params_has_nothing_to_clip() -> None:
    x = CASES["mlp"].x
    net = pm.serial(pm.tanh, pm.relu)
    J, grads = private_grads(net, pm.mse, 1.0, 1.0, 5)(((), ()), x, x, Generator())
    assert torch.equal(J, pm.mse(x, net.fwd(((), ()), x)[0])[0])
    assert grads == ((), ())


def test_without_a_limit_and_noise_it_is_the_sum() -> None:
    net, params, x, y, loss = CASES["mlp"]
    grads = private_grads(net, loss, torch.inf, 0.0, len(x))(params, x, y, Generator())[1]
    close(grads, value_and_grad(net, loss)(params, x, y)[1])


def test_refusals() -> None:
    net, params, x, y, _ = CASES["mlp"]
    with pytest.raises(ValueError, match=r"limit inf with noise 1.0: no noise hides what is not clipped"):
        private_grads(net, pm.mse, torch.inf, 1.0, 3)
    with pytest.raises(ValueError, match=r"noise inf, expected_batch 3; expected >= 0 and > 0, and finite"):
        private_grads(net, pm.mse, 1.0, torch.inf, 3)
    places = pm.serial(pm.linear, pm.attention())
    for quantity in (example_norms, gramian, example_grads, gradient_variance, partial(clipped_grads, limit=1.0), pm.ggn_diagonal):
        with pytest.raises(ValueError, match=r"attention: input \(5, 6\) float64 is one example, expected a batch of them"):
            quantity(places, pm.mse)((pm.linear_init(3, 6, Generator(), F64), ()), x, y)
    with pytest.raises(ValueError, match=r"attention: input \(5, 3\) float64 is one example"):
        example_dots(pm.attention(), pm.mse)((), x, y, ())
    members = tree_map(lambda t: torch.stack((t, t)), params)
    with pytest.raises(ValueError, match="clipped_grads: each member of an ensemble clips its own: take vmap of the function"):
        clipped_grads(pm.ensemble(net), pm.mse, 1.0)(members, torch.stack((x, x)), torch.stack((y, y)))
    nothing: Any = None
    with pytest.raises(ValueError, match=r"a generator that is None, expected a torch.Generator"):
        private_grads(net, pm.mse, 1.0, 1.0, 3)(params, x, y, nothing)
    for f in (example_norms(net, pm.mse), clipped_grads(net, pm.mse, 1.0)):
        with pytest.raises(ValueError, match=r"serial: 3 layers, 2 params"):
            f(params[:2], x, y[:, :1])
    with pytest.raises(ValueError, match=r"serial: params: of class Linear, expected a tuple"):
        example_norms(net, pm.mse)(params[0], x, y)
    with pytest.raises(ValueError, match="limit 0, expected > 0"):
        clipped_grads(net, pm.mse, 0)
    with pytest.raises(ValueError, match=r"noise -1, expected_batch 3; expected >= 0 and > 0"):
        private_grads(net, pm.mse, 1.0, -1, 3)
    with pytest.raises(ValueError, match=r"the loss gives J \(5, 2\) float64, expected one number"):
        clipped_grads(net, partial(pm.mse, reduction="none"), 1.0)(params, x, y)
    with pytest.raises(ValueError, match=r"input \(4,\) float64, dy \(2,\) float64: expected a batch of examples"):
        example_norms(net, pm.mse)(params, x[0], y[0])


def test_nothing_is_changed_and_everything_can_be_pickled() -> None:
    net, params, x, y, loss = made(*MLP)
    leaves = tree_leaves((params, x, y))
    versions = [t._version for t in leaves]
    for make in (example_grads, example_norms, gramian, gradient_variance, partial(clipped_grads, limit=0.1)):
        f = make(net, loss)
        assert all(map(torch.equal, tree_leaves(f(params, x, y)), tree_leaves(pickle.loads(pickle.dumps(f))(params, x, y))))
    assert [t._version for t in leaves] == versions


@pytest.mark.parametrize("engine", ["pure", "plan"])
def test_a_private_step_is_trained_by_the_engines(engine: Any) -> None:
    """The same losses from the pure step and from a plan: its draws are planned too."""
    net, params, x, y, loss = made(*MLP, (8,))
    optimizer, f, g = sgd(0.1), private_grads(net, loss, 0.5, 0.1, 4), Generator().manual_seed(5)

    def step(carry: Any, batch: pm.Batch) -> Any:
        J, grads = f(carry[0], *batch, g)
        return optimizer.update(carry[0], grads, carry[1]), J

    carry, history = fit(step, (params, optimizer.init(params)), (x, y), epochs=3, batch=4, generator=Generator(), engine=engine)
    g.manual_seed(5)
    plain, told = fit(step, (params, optimizer.init(params)), (x, y), epochs=3, batch=4, generator=Generator(), engine="pure")
    assert history[-1].engine == engine
    torch.testing.assert_close([e.loss for e in history], [e.loss for e in told], atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(tree_leaves(carry), tree_leaves(plain), atol=1e-12, rtol=1e-12)
