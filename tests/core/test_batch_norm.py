"""Batch normalization beside torch's, and its running statistics: values in, values out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from checks import check_layer
from nets import bits
from oracles import close
from planned import stepped
from tables import Row, lattice_linear
from torch import Generator, Tensor, nn
from torch.nn import functional as F

import pure_mlp as pm
from pure_mlp import (
    BatchNorm,
    Engine,
    Statistics,
    batch_norm,
    batch_norm_by,
    evaluated,
    from_torch,
    initial_statistics,
    running_statistics,
    to_torch,
    tree_leaves,
    tree_map,
)

F64 = torch.float64


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed), dtype=F64)


NORM = BatchNorm(drawn(3, seed=1), drawn(3, seed=2))
SEEN = Statistics(drawn(3, seed=3), drawn(3, seed=4).square() + 0.5)
STILL = Statistics(drawn(4), drawn(4).square()), SEEN
NET = pm.serial(pm.linear_bottom, pm.residual(pm.serial(batch_norm(), pm.tanh)), pm.dropout(0.2, 3), batch_norm(1e-3), pm.linear)
PARAMS = (lattice_linear(Generator()), (NORM, ()), (), NORM, pm.linear_init(3, 2, Generator().manual_seed(0), F64))
X, Y = drawn(7, 4), drawn(7, 2, seed=9)


def test_values_and_statistics_are_those_of_torch_over_several_batches() -> None:
    module = to_torch(batch_norm(1e-3), NORM)[0]
    statistics, params = initial_statistics(NORM), NORM
    for n in (5, 2, 9):
        x = 3 * drawn(n, 3, seed=n) + 1
        y, cache = batch_norm(1e-3).fwd(params, x)
        statistics = running_statistics(cache, statistics)
        close("y", y, module(x).detach(), atol=1e-13, rtol=1e-13)
    theirs = module.state_dict()
    close("mean", statistics[0].mean, theirs["running_mean"], atol=1e-14, rtol=1e-13)
    close("variance", statistics[0].variance, theirs["running_var"], atol=1e-14, rtol=1e-13)
    still = evaluated(batch_norm(1e-3), statistics)
    close("evaluated", still.fwd(params, x)[0], module.eval()(x).detach(), atol=1e-13, rtol=1e-13)


def test_there_and_back_to_torch() -> None:
    net, params, x = pm.serial(batch_norm_by(SEEN), pm.tanh), (NORM, ()), drawn(5, 3)
    module = to_torch(net, params)
    assert not module[0].training
    again, p = from_torch(module)
    assert bits(again.fwd(p, x)[0]) == bits(net.fwd(params, x)[0])
    close("evaluated", module(x).detach(), net.fwd(params, x)[0], atol=1e-13, rtol=1e-13)
    assert str(from_torch(nn.BatchNorm1d(3))[0]) == "batch_norm"
    names = ["serial", "linear", "residual", "serial", "batch_norm_by", "tanh", "identity", "batch_norm_by", "linear"]
    assert str(evaluated(NET, (SEEN, SEEN))).split() == names


# torch's own rules for forward derivatives are compiled by what torch has deprecated
@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_the_evaluated_layer_obeys_the_laws() -> None:
    def reference(params: BatchNorm, x: Tensor) -> Tensor:
        return F.batch_norm(x.reshape(-1, 4), mean, variance, params.weight, params.bias).view(x.shape)

    mean, variance = drawn(4), drawn(4, seed=1).square() + 0.5
    layer = batch_norm_by(Statistics(mean, variance))
    row = Row("batch_norm_by", layer, reference, init=lambda n: BatchNorm(torch.ones(n), torch.zeros(n)))
    check_layer(row, layer)
    params, x, dy = row.draw((2, 3, 4))
    assert pm.laws(layer, params, x, reference=reference).ok
    dparams, dx = tree_map(torch.cos, (params, x))

    def both(p: BatchNorm, x: Tensor) -> Any:
        y, cache = layer.fwd(p, x)
        return y, layer.bwd(p, cache, dy)

    tangents: Any = torch.func.jvp(both, (params, x), (dparams, dx))
    moved, second = tangents[1]
    cache = layer.fwd(params, x)[1]
    assert layer.jvp is not None
    assert layer.bwd_jvp is not None
    close("jvp", layer.jvp(params, cache, dparams, dx), moved, atol=1e-13, rtol=1e-13)
    for a, b in zip(tree_leaves(layer.bwd_jvp(params, cache, dy, dparams, dx)), tree_leaves(second), strict=True):
        close("bwd_jvp", a, b, atol=1e-13, rtol=1e-13)


@pytest.mark.parametrize("lead", [(), (1,), (0,), (2, 0), (1, 1)])
def test_a_batch_without_a_variance_gives_the_bias_and_changes_no_statistics(lead: tuple[int, ...]) -> None:
    x = drawn(*lead, 3)
    y, cache = batch_norm().fwd(NORM, x)
    assert bits(y) == bits(NORM.bias.expand(*lead, 3).clone())
    assert not batch_norm().bwd(NORM, cache, torch.ones_like(y))[0].any()
    assert bits(running_statistics(cache, (SEEN,))) == bits((SEEN,))


def test_of_an_ensemble_statistics_are_stacked_and_no_others_fit() -> None:
    both, x = tree_map(lambda t: torch.stack((t, 2 * t)), NORM), drawn(2, 5, 3)
    stacked = running_statistics(pm.ensemble(batch_norm()).fwd(both, x)[1], initial_statistics(both))[0]
    for i in range(2):
        alone = running_statistics(batch_norm().fwd(NORM, x[i])[1], initial_statistics(NORM))[0]
        close("mean", stacked.mean[i], alone.mean, atol=1e-14, rtol=1e-13)
        close("variance", stacked.variance[i], alone.variance, atol=1e-14, rtol=1e-13)
    with pytest.raises(ValueError, match=r"input \(5, 3\) float64, mean \(2, 3\) float64, variance \(2, 3\) float64"):
        batch_norm_by(stacked).fwd(NORM, x[0])


def stacked(tree: Any, factor: float) -> Any:
    return tree_map(lambda t: torch.stack((t, factor * t)), tree)


def at(place: tuple[int, ...], tree: Any) -> Any:
    return tree_map(lambda t: t[place], tree)


@pytest.mark.parametrize("nested", [False, True])
def test_an_evaluated_ensemble_is_its_members_each_by_its_own_statistics(nested: bool) -> None:
    """Values, gradients and tangents; the statistics of a part that is no ensemble are taken before and after it."""
    inner = pm.serial(pm.linear, batch_norm(1e-3), pm.tanh, pm.dropout(0.2, 3), batch_norm())
    own = lattice_linear(Generator()), NORM, (), (), NORM
    given: Any = stacked((own, (SEEN, SEEN), drawn(5, 4), drawn(5, 3, seed=7)), 2)
    params, kept, x, dy = stacked(given, 3) if nested else given
    net = pm.ensemble(pm.ensemble(inner)) if nested else pm.ensemble(inner)
    whole = evaluated(pm.serial(batch_norm(), net, batch_norm()), (STILL[0], *kept, STILL[1]))
    assert str(whole).split() == ["serial", "batch_norm_by", "evaluated", "batch_norm_by"]
    still = evaluated(net, kept)
    assert still.jvp is not None
    y, cache = still.fwd(params, x)
    found = y, still.bwd(params, cache, dy), still.jvp(params, cache, params, x)
    for place in [(i, j) for i in range(2) for j in range(2)] if nested else [(i,) for i in range(2)]:
        p, s, one, u = at(place, (params, kept, x, dy))
        alone = evaluated(inner, s)
        assert alone.jvp is not None
        y, cache = alone.fwd(p, one)
        for a, b in zip(tree_leaves(found), tree_leaves((y, alone.bwd(p, cache, u), alone.jvp(p, cache, p, one))), strict=True):
            close("a member", a[place], b, atol=1e-13, rtol=1e-13)
    with pytest.raises(ValueError, match="evaluated: 1 statistics, the net has more batch_norm"):
        evaluated(net, kept[:1])
    assert str(evaluated(pm.ensemble(pm.dropout(0.2, 3)))).split() == ["ensemble", "identity"]


def test_statistics_at_the_ends_of_momentum_and_what_is_refused() -> None:
    cache = NET.fwd(PARAMS, X)[1]
    kept, taken = (running_statistics(cache, (SEEN, SEEN), momentum) for momentum in (0.0, 1.0))
    assert bits(kept) == bits((SEEN, SEEN))
    z = F.linear(X, PARAMS[0].weight, PARAMS[0].bias)
    close("mean", taken[0].mean, z.mean(0), atol=1e-14, rtol=1e-13)
    close("variance", taken[0].variance, z.var(0), atol=1e-14, rtol=1e-13)
    with pytest.raises(ValueError, match=r"running_statistics: 1 statistics, the cache has those of 2 batch_norm"):
        running_statistics(cache, (SEEN,))
    with pytest.raises(ValueError, match=r"2 statistics, the cache has those of 0 batch_norm \(none under remat\)"):
        running_statistics(pm.remat(NET).fwd(PARAMS, X)[1], (SEEN, SEEN))
    with pytest.raises(ValueError, match=r"momentum 1\.5, expected >= 0 and <= 1"):
        running_statistics(cache, (SEEN, SEEN), 1.5)
    with pytest.raises(ValueError, match="evaluated: 1 statistics, the net has more batch_norm: each needs one"):
        evaluated(NET, (SEEN,))
    with pytest.raises(ValueError, match="evaluated: 1 of 3 statistics are left over: each batch_norm needs one"):
        evaluated(NET, (SEEN, SEEN, SEEN))
    with pytest.raises(ValueError, match="batch_norm mixes the examples of a batch: none has a gradient of its own"):
        pm.example_norms(NET, pm.mse)(PARAMS, X, Y)


def step(carry: Any, batch: pm.Batch) -> Any:
    (params, state, statistics), (x, y) = carry, batch
    y_hat, cache = NET.fwd(params, x)
    J, dy_hat = pm.mse(y, y_hat)
    params, state = pm.sgd(0.1, 0.9).update(params, NET.bwd(params, cache, dy_hat)[1], state)
    return (params, state, running_statistics(cache, statistics)), J


@pytest.mark.parametrize("engine", ["plan", "native"])
def test_statistics_in_the_carry_of_every_engine(engine: Engine) -> None:
    start = PARAMS, pm.sgd(0.1, 0.9).init(PARAMS), initial_statistics(PARAMS)
    batches = [(drawn(n, 4, seed=n), drawn(n, 2, seed=n + 1)) for n in (7, 7, 7)]
    carry = stepped(step, start, batches, engine).carry()
    assert not torch.equal(carry[2][0].mean, start[2][0].mean)
