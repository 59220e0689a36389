"""Chains under `remat_within`: the same bits, never more bytes than allowed, and the least that is run again, by brute force."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import pytest
import torch
from nets import bits, normal
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Layer, remat, remat_within, serial, tree_leaves, tree_map
from pure_mlp.combinators.regrouped import Groups, Regrouped
from pure_mlp.combinators.remat import Remat
from pure_mlp.layer import composition, tangent

Net: TypeAlias = Layer[Any, Any]
Cost: TypeAlias = tuple[float, int]

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 holds the arguments of a call until it returns")


class Chain:
    """Layers that tell what their caches hold: each cache is a view of its own, which dies with it."""

    def __init__(self, layers: list[Net], widths: list[int], costs: list[float]) -> None:
        self.x = normal((3, widths[0]), Generator().manual_seed(1))
        self.params = pm.init(serial(*layers), (self.x, *widths[1:]), Generator().manual_seed(0))[1]
        self.plain, self.costs = serial(*layers), costs
        self.layers = [self.told(layer, cost) for layer, cost in zip(layers, costs)]
        self.views: list[weakref.ref[Tensor]] = []
        self.peak, self.cost, self.count = 0, 0.0, 0

    def noted(self, tree: Any) -> Any:
        views = tree_map(lambda t: t.view_as(t), tree)
        self.views += map(weakref.ref, tree_leaves(views))
        return views

    def look(self) -> None:
        alive = [t.untyped_storage() for t in (self.x, *(ref() for ref in self.views)) if t is not None]
        self.peak = max(self.peak, sum({storage._cdata: storage.nbytes() for storage in alive}.values()))

    def told(self, layer: Net, cost: float) -> Net:
        def fwd(params: Any, x: Tensor) -> tuple[Tensor, Any]:
            y, cache = layer.fwd(params, x)
            self.cost, self.count = self.cost + cost, self.count + 1
            cache = self.noted(cache)
            self.look()
            return y, cache

        def bwd(params: Any, cache: Any, dy: Tensor) -> tuple[Tensor, Any]:
            self.look()
            caches = [cache]
            del cache
            return layer.bwd(params, caches.pop(), dy)

        return Layer(fwd, bwd)

    def watched(self, net: Net) -> Net:
        """The net with the inputs that `remat` keeps noted too."""
        made = composition(net)
        if made is None:
            return net
        inner = made.rebuilt(*map(self.watched, made.parts()))
        return Layer(lambda p, x: inner.fwd(p, self.noted(x)), inner.bwd) if isinstance(made, Remat) else inner

    def measured(self, net: Net) -> tuple[int, Cost]:
        """The most that caches hold, and the cost and number of the layers that are run again."""
        self.views, self.peak, self.cost, self.count = [], 0, 0.0, 0
        net = self.watched(net)
        y, *cache = net.fwd(self.params, self.x)
        net.bwd(self.params, cache.pop(), torch.ones_like(y))
        return self.peak, (self.cost - sum(self.costs), self.count - len(self.costs))


def chain(name: str) -> Chain:
    match name:
        case "dense":
            return Chain([pm.dense(pm.relu), pm.dense(pm.tanh), pm.dense(pm.gelu), pm.linear], [7, 3, 11, 5, 2], [4, 1, 8, 2])
        case "caches share memory":
            return Chain([pm.linear, pm.relu, pm.tanh, pm.linear], [4, 6, 9], [8, 1, 2, 4])
        case "layers for nothing":
            return Chain([pm.softplus(2.0), pm.identity, pm.linear, pm.silu], [8, 3], [0, 0, 1, 0])
    blocks: list[Net] = [pm.residual(pm.dense(pm.silu)), serial(pm.linear, pm.tanh), pm.softmax, pm.unit]
    return Chain(blocks, [5, 5, 6], [3, 2, 1, 1])


NAMES = ["dense", "caches share memory", "layers for nothing", "blocks"]


def ways(layers: list[Net], segment: bool = False) -> Iterator[tuple[list[Net], list[Groups | None]]]:
    """Every net of serial and remat over the layers, as pieces and their grouping; a segment is not one segment again."""
    if not layers:
        yield [], []
        return
    for rest, groups in ways(layers[1:]):
        yield [layers[0], *rest], [None, *groups]
    for k in range(1, len(layers) + 1 - segment):
        for inner, within in ways(layers[:k], True):
            for rest, groups in ways(layers[k:]):
                yield [remat(serial(*inner)), *rest], [tuple(within), *groups]


def test_there_are_so_many_ways() -> None:
    assert [len([*ways([pm.relu] * n)]) for n in range(5)] == [1, 2, 8, 48, 352]


@pytest.mark.parametrize("name", NAMES)
def test_no_other_net_of_serial_and_remat_is_cheaper_within_the_bytes_and_the_bytes_are_kept(name: str) -> None:
    """Every budget at which something changes, against all 352 nets, each of which is run and measured."""
    given = chain(name)
    tried = [given.measured(Regrouped(serial(*pieces), tuple(groups)).layer()) for pieces, groups in ways(given.layers)]
    budgets = sorted({nbytes for nbytes, _ in tried})
    assert len(budgets) > 1
    for budget in budgets:
        net = remat_within(serial(*given.layers), given.params, given.x, budget, given.costs)
        nbytes, cost = given.measured(net)
        assert nbytes <= budget
        assert cost == min(cost for nbytes, cost in tried if nbytes <= budget)
    with pytest.raises(ValueError, match=rf"{budgets[0] - 1} bytes; the least that these layers need is {budgets[0]}$"):
        remat_within(serial(*given.layers), given.params, given.x, budgets[0] - 1, given.costs)


@pytest.mark.parametrize("name", NAMES)
def test_function_and_gradients_are_the_same_to_the_bit(name: str) -> None:
    given = chain(name)
    plain, y = given.plain, given.plain.fwd(given.params, given.x)[0]
    dy, dx = torch.cos(y), torch.sin(given.x)
    for budget in (least(plain, given), least(plain, given) + 60):
        net = remat_within(plain, given.params, given.x, budget)
        assert net is not plain
        (y, cache), (z, kept) = plain.fwd(given.params, given.x), net.fwd(given.params, given.x)
        assert bits(z, *net.bwd(given.params, kept, dy)) == bits(y, *plain.bwd(given.params, cache, dy))
        nets: list[tuple[Net, Any]] = [(net, kept), (plain, cache)]
        moved, same = (tangent(f)(given.params, c, given.params, dx) for f, c in nets)
        assert torch.equal(moved, same)


def least(net: Net, given: Chain) -> int:
    with pytest.raises(ValueError, match="the least that these layers need is") as caught:
        remat_within(net, given.params, given.x, 0)
    return int(str(caught.value).split()[-1])


N = 12


def equal_layers() -> Chain:
    return Chain([pm.dense(pm.tanh) for _ in range(N)], [4] * (N + 1), [1.0] * N)


def revolve(layers: list[Net], slots: int) -> tuple[list[Net], list[Groups | None]]:
    """Griewank and Walther's schedule: so many inputs may be kept besides the first, and the cache of one layer at a time."""
    if len(layers) == 1:
        return layers, [None]
    k = len(layers) - 1 if slots == 0 else split(len(layers), slots)
    (first, within), (rest, groups) = revolve(layers[:k], slots), revolve(layers[k:], slots - 1) if slots else (layers[k:], [None])
    return [remat(serial(*first)), *rest], [tuple(within), *groups]


@lru_cache
def runs(n: int, slots: int) -> float:
    """How many layers that schedule runs again."""
    if n == 1:
        return 0
    return n * (n - 1) / 2 if slots == 0 else min(k + runs(k, slots) + runs(n - k, slots - 1) for k in range(1, n))


def split(n: int, slots: int) -> int:
    return min(range(1, n), key=lambda k: k + runs(k, slots) + runs(n - k, slots - 1))


@pytest.mark.parametrize("slots", range(6))
def test_it_is_ahead_of_revolve_or_equal(slots: int) -> None:
    given = equal_layers()
    pieces, groups = revolve(given.layers, slots)
    nbytes, cost = given.measured(Regrouped(serial(*pieces), tuple(groups)).layer())
    assert cost[1] == runs(N, slots)
    ours = given.measured(remat_within(serial(*given.layers), given.params, given.x, nbytes, given.costs))
    assert ours[0] <= nbytes
    assert ours[1] <= cost
    assert ours[1] < cost or slots == 0


@pytest.mark.parametrize("segment", [2, 3, 4, 6])
def test_it_is_ahead_of_equal_segments(segment: int) -> None:
    """Chen et al.: the input of every segment is kept; with sqrt(n) of them that is least memory for one more forward pass."""
    given = equal_layers()
    pieces = [remat(serial(*given.layers[i : i + segment])) for i in range(0, N, segment)]
    nbytes, cost = given.measured(Regrouped(serial(*pieces), ((None,) * segment,) * (N // segment)).layer())
    assert cost == (N, N)
    ours = given.measured(remat_within(serial(*given.layers), given.params, given.x, nbytes, given.costs))
    assert ours[0] <= nbytes
    assert ours[1] < cost


def test_flops_are_what_is_saved_where_no_costs_are_given() -> None:
    """Either of two segments may be run again; the one of the small product is."""
    net, params = pm.mlp((2, 40, 2, 2, 40), Generator())
    x = torch.ones(5, 2)
    whole = remat_within(net, params, x, 10**6)
    assert whole is net
    kept = remat_within(net, params, x, pm.cache_nbytes(net, params, x) - 1)
    assert [line.strip() for line in str(kept).splitlines()].index("remat") == 5, kept


def test_a_net_within_bytes_is_a_net_like_others() -> None:
    net, params = pm.mlp((4, 8, 8, 8, 3), Generator().manual_seed(0))
    x, y = torch.ones(5, 4), torch.ones(5, 3)
    within = remat_within(net, params, x, 600)
    both: list[Net] = [within, net]
    step, pure = (pm.training_step(f, pm.mse, pm.sgd(0.1)) for f in both)
    carry = params, pm.sgd(0.1).init(params)
    assert torch.allclose(pm.fold(step)(carry, [(x, y)] * 3)[1], pm.fold(pure, engine="pure")(carry, [(x, y)] * 3)[1])
    assert within is not net
    assert pm.outline(within, params).count("weight") == 4
    assert [p.weight.shape for p in pm.init(within, (4, 8, 8, 8, 3), Generator())[1]] == [p.weight.shape for p in params]
    assert pm.summary(within, params, x).count("linear") == 4
    norms, plain = (pm.example_norms(f, pm.mse)(params, x, y)[1] for f in both)
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(norms), tree_leaves(plain), strict=True))
    with pytest.raises(ValueError, match=r"^4 layers, 3 params"):
        within.fwd(params[:3], x)


def test_what_is_no_plain_chain_is_refused() -> None:
    net, params = pm.mlp((4, 8, 3), Generator())
    x = torch.ones(5, 4)
    others: list[tuple[Net, str]] = [(pm.linear, "linear"), (remat(net), "remat")]
    for other, said in others:
        with pytest.raises(ValueError, match=f"expected layers in a serial, found {said}"):
            remat_within(other, params, x, 1000)
    nested: list[Net] = [serial(pm.linear, remat(pm.dense(pm.relu))), serial(pm.linear, pm.residual(remat(pm.relu)))]
    for other in nested:
        with pytest.raises(ValueError, match=r"layer 1 \((remat|residual)\) has a remat in it already"):
            remat_within(other, params, x, 1000)
    with pytest.raises(ValueError, match="3 costs of 2 layers"):
        remat_within(net, params, x, 1000, [1, 2, 3])
    with pytest.raises(ValueError, match=r"layer 0 \(dense_relu\): input \(5, 5\)"):
        remat_within(net, params, torch.ones(5, 5), 1000)
    assert remat_within(pm.unit, (), x, 0) is pm.unit
    assert remat_within(net, params, torch.ones(0, 4), 0) is net
