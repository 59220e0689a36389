"""Dropout's masks: their numbers, their frequencies, and that they come back wherever the same seed does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from nets import bits
from planned import stepped
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Engine, dropout, evaluated, seeded, tree_leaves

F64 = torch.float64
NET = pm.serial(pm.linear_bottom, pm.dropout(0.3), pm.residual(pm.serial(pm.dropout(0.5), pm.tanh)), pm.linear)
PARAMS = pm.init(NET, (3, 8, 2), Generator().manual_seed(0), dtype=F64)[1]
X = torch.randn(6, 3, generator=Generator().manual_seed(1), dtype=F64)


def mixed(z: int) -> int:
    """The published constants, in whole numbers."""
    z &= 2**32 - 1
    for shift, factor in ((16, 0x21F0AAAD), (15, 0x735A2D97)):
        z = (z ^ z >> shift) * factor % 2**32
    return z ^ z >> 15


def mask(shape: tuple[int, ...], rate: float, seed: int | Tensor) -> Tensor:
    return dropout(rate, seed).fwd((), torch.ones(shape, dtype=F64))[0]


def test_a_mask_is_this_function_of_seed_row_and_column() -> None:
    for seed in (0, 7, 2**40 + 3):
        key = mixed(seed + 1)
        drawn = [[mixed(mixed(i + key) + mixed(j - key)) for j in range(5)] for i in range(6)]
        expected = torch.tensor([[0.0 if b < 0.25 * 2**32 else 4 / 3 for b in row] for row in drawn], dtype=F64)
        assert torch.equal(mask((6, 5), 0.25, seed), expected)
        assert torch.equal(mask((2, 3, 5), 0.25, torch.tensor(seed)), expected.view(2, 3, 5))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_masks_are_as_often_0_as_asked_and_do_not_agree(rate: float) -> None:
    """Within 5 standard deviations: all of a mask, its rows, its columns; and products of masks, rows and columns."""
    n, a = 300, [(mask((300, 300), rate, seed) > 0).to(F64) - (1 - rate) for seed in (0, 1, 2**31)]
    limit = 5 * (rate * (1 - rate)) ** 0.5
    for m in a:
        assert m.mean().abs() < limit / n
        assert max(m.mean(0).abs().max(), m.mean(1).abs().max()) < limit / n**0.5
    pairs = [(a[0], a[1]), (a[0], a[2]), (a[0], a[0].mT), (a[0][1:], a[0][:-1]), (a[0][:, 1:], a[0][:, :-1])]
    assert all((u * v).mean().abs() < 1.5 * limit**2 / 5 / n for u, v in pairs)


def test_at_the_ends_of_the_rate() -> None:
    x = torch.tensor([3.0, -1.0, 0.5])
    for rate, factor in ((0.0, 1.0), (1.0, 0.0)):
        y, m = dropout(rate, 1).fwd((), x)
        assert torch.equal(y, factor * x)
        assert torch.equal(dropout(rate, 1).bwd((), m, x)[0], factor * x)


def test_layers_of_a_net_and_seeds_have_masks_of_their_own() -> None:
    two = pm.serial(dropout(0.5), dropout(0.5))
    found = []
    for seed in (3, 4):
        _, (first, second) = seeded(two, seed).fwd(((), ()), torch.ones(16, 16))
        found += [first, second]
    assert len({tuple(m.flatten().tolist()) for m in found}) == 4
    assert bits(seeded(NET, 3).fwd(PARAMS, X)[0]) == bits(seeded(seeded(NET, 5), torch.tensor(3)).fwd(PARAMS, X)[0])


def test_the_same_mask_forward_backward_recomputed_and_in_an_ensemble() -> None:
    net = seeded(NET, 5)
    y, cache = net.fwd(PARAMS, X)
    again = pm.remat(net)
    assert bits(net.bwd(PARAMS, cache, y)[1]) == bits(again.bwd(PARAMS, again.fwd(PARAMS, X)[1], y)[1])
    both = pm.ensemble(net).fwd(pm.tree_map(lambda t: torch.stack((t, t)), PARAMS), torch.stack((X, X)))[0]
    torch.testing.assert_close(both[1], y, atol=1e-14, rtol=0)
    grads = pm.value_and_grad(net, pm.mse)(PARAMS, X, y.cos())[1]
    each = pm.example_grads(net, pm.mse)(PARAMS, X, y.cos())[1]
    torch.testing.assert_close([t.sum(0) for t in tree_leaves(each)], tree_leaves(grads), atol=1e-14, rtol=1e-12)


def test_without_a_seed_it_is_refused_by_name_and_with_none_evaluated() -> None:
    with pytest.raises(ValueError, match=r"layer 1 \(dropout\): dropout without a seed: run seeded\(net, seed\), or evaluated"):
        NET.fwd(PARAMS, X)
    plain = pm.serial(pm.linear_bottom, pm.identity, pm.residual(pm.serial(pm.identity, pm.tanh)), pm.linear)
    assert str(evaluated(NET)) == str(plain)
    assert bits(evaluated(NET).fwd(PARAMS, X)[0]) == bits(plain.fwd(PARAMS, X)[0])
    assert pm.cache_nbytes(NET, PARAMS, X) == 8 * 6 * (3 + 8 + 8 + 8 + 8)
    assert [line.split()[0] for line in pm.summary(NET, PARAMS, X).splitlines()][3] == "dropout"


def step(carry: Any, batch: pm.Batch) -> Any:
    inner, seed = carry
    inner, J = pm.training_step(seeded(NET, seed), pm.mse, pm.adam(0.01))(inner, batch)
    return (inner, seed + 1), J


@pytest.mark.parametrize("engine", ["plan", "native"])
def test_a_seed_in_the_carry_gives_every_step_its_mask_on_every_engine(engine: Engine) -> None:
    batches = [(X, X[:, :2].cos())] * 4
    start = (PARAMS, pm.adam(0.01).init(PARAMS)), torch.tensor(11)
    assert int(stepped(step, start, batches, engine).carry()[1]) == 15
