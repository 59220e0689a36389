"""A native plan is the pure step, in C."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, cycle, islice
from typing import Any

import pytest
import torch
from loss_table import LOSSES
from natively import cache_in, close, identical, native, natively_same, needs_compiler, single
from planned import F64, MIDDLE, Batches, affine, around, deep, draw, labelled, loss_of, pieces, pure, training
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.plan import Plan
from pure_mlp.record import tree_leaves, tree_map
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
from pure_mlp.registry.samples import WIDTH

pytestmark = needs_compiler


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with cache_in(tmp_path_factory.mktemp("cache")):
        yield


OPTIMIZERS: dict[str, Any] = {
    **{name: row.make(1e-2) for name, row in OPTIMIZER_ROWS.items()},
    "momentum": pm.sgd(0.01, momentum=0.9),
    "adamw by schedule": pm.adamw(pm.cosine(1e-2, 3)),
    "nesterov": pm.sgd(0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
    "rmsprop with momentum": pm.rmsprop(1e-2, momentum=0.5, weight_decay=0.1),
    "clipped norm": pm.chain(pm.clip_by_global_norm(0.1), pm.sgd(0.1)),
    "clipped values": pm.chain(pm.clip_by_value(0.01), pm.adam(1e-2, weight_decay=0.1)),
    "warmup": pm.sgd(pm.warmup(pm.step_decay(0.01, 2, 0.5), 3)),
}
"""Each is met, paired by position."""
SCORED = {row.name: row for row in LOSSES}
COUNT = max(len(MIDDLE), len(SCORED), len(OPTIMIZERS))
REDUCTIONS: tuple[pm.Reduction, ...] = ("mean", "sum", "batchmean")
TABLE = [*islice(zip(cycle(MIDDLE), cycle(SCORED), cycle(OPTIMIZERS), cycle(REDUCTIONS)), COUNT)]


def perceptron(activation: str, loss: str, optimizer: str, reduction: pm.Reduction = "mean") -> tuple[Any, Any, Batches]:
    net = pm.serial(pm.linear_bottom, MIDDLE[activation].layer, pm.linear)
    row, function, params = SCORED[loss], loss_of(SCORED[loss]), around(activation, 6, 17, WIDTH)
    return *training(net, params, lambda y, z: function(y, z, reduction), OPTIMIZERS[optimizer]), labelled(row, pieces(6, WIDTH))


@pytest.mark.parametrize(("activation", "loss", "optimizer", "reduction"), TABLE)
def test_perceptrons(activation: str, loss: str, optimizer: str, reduction: pm.Reduction) -> None:
    natively_same(*perceptron(activation, loss, optimizer, reduction))


@pytest.mark.parametrize(("activation", "loss", "optimizer", "_"), TABLE[:3])
def test_perceptrons_in_float32(activation: str, loss: str, optimizer: str, _: str) -> None:
    step, carry, batches = perceptron(activation, loss, optimizer)
    params = tree_map(torch.Tensor.float, carry[0])
    natively_same(step, (params, OPTIMIZERS[optimizer].init(params)), single(batches), rtol=1e-5, atol=1e-6)


def test_other_nets() -> None:
    net = pm.serial(pm.parallel(pm.linear, pm.linear), pm.remat(pm.residual(pm.serial(pm.linear, pm.relu))))
    params = ((affine(6, 2), affine(6, 4, 1)), (affine(6, 6, 2), ()))
    natively_same(*training(net, params, pm.mse, pm.sgd(0.1)), pieces(6, 6))


def test_an_ensemble() -> None:
    params = tree_map(lambda *ps: torch.stack(ps), affine(6, 5), affine(6, 5, 1))
    batches = [(draw(2, 10, 6, seed=i), draw(2, 10, 5, seed=50 + i)) for i in range(3)]
    natively_same(*training(pm.ensemble(pm.linear), params, pm.mse, pm.sgd(0.01)), batches)


def test_short_batches_and_other_strides() -> None:
    step, carry = deep(2, pm.adam(1e-2))
    columns = [(x.t().contiguous().t(), y) for x, y in pieces(6, 6)]
    natively_same(step, carry, [*pieces(6, 6, (10, 10, 1, 10)), *columns])


def test_an_empty_batch() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    natively_same(step, carry, pieces(6, 6, (0, 3)))


def test_depth_64() -> None:
    natively_same(*deep(64, pm.adam(1e-3)), pieces(6, 6))


def test_nan_and_infinity_spread_as_in_torch() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    (x, y), other = pieces(6, 6)[:2]
    for value in (torch.nan, torch.inf, -torch.inf):
        natively_same(step, carry, [(x.clone().index_fill_(0, torch.tensor(3), value), y), other])


def test_the_carry_is_copied_in_and_out() -> None:
    step, carry = deep(2, pm.adam(0.1))
    planned = native(step, carry, pieces(6, 6)[0])
    planned.step(pieces(6, 6)[0])
    one, two = planned.carry(), planned.carry()
    kept = tree_map(torch.clone, one)
    planned.step(pieces(6, 6)[1])
    assert identical(one, kept)
    trees = (carry, one, two, planned.carry())
    places = [{t.untyped_storage().data_ptr() for t in tree_leaves(tree)} for tree in trees]
    assert len(set.union(*places)) == sum(len(tree_leaves(tree)) for tree in trees)


def test_two_plans_of_one_program_have_their_own_memory() -> None:
    step, carry = deep(2, pm.adam(0.1))
    first, second = (native(step, carry, pieces(6, 6)[0]) for _ in range(2))
    first.step(pieces(6, 6)[0])
    assert identical(second.carry(), carry)


def test_captured_tensors_are_read_at_each_step() -> None:
    rate, w = torch.tensor(0.1, dtype=F64), draw(6)
    planned = native(lambda w, x: (w - rate * x, (w * x).sum()), w, w)
    planned.step(w)
    rate.fill_(0.5)
    planned.step(w)
    torch.testing.assert_close(planned.carry(), 0.4 * w)


def test_a_run_is_the_same_however_it_is_cut() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    batches = pieces(6, 6, (10,) * 70)
    whole, parts = (native(step, carry, batches[0]) for _ in range(2))
    losses = whole.run(batches)
    cut = torch.cat([parts.run(batches[:1]), parts.run(batches[1:40]), parts.run([]), parts.run(batches[40:])])
    assert identical((losses, whole.carry()), (cut, parts.carry()))


@pytest.mark.parametrize("n", [5, 32, 40])
def test_a_run_that_breaks_off_has_advanced_by_what_came_before(n: int) -> None:
    step, carry = deep(2, pm.sgd(0.1))
    batches = pieces(6, 6, (10,) * n)

    def breaking() -> Iterator[tuple[Tensor, Tensor]]:
        yield from batches
        raise KeyError("no more")

    planned = native(step, carry, batches[0])
    with pytest.raises(KeyError, match="no more"):
        planned.run(breaking())
    close(planned.carry(), pure(step, carry, batches)[0], rtol=1e-11, atol=1e-12)


def test_labels_out_of_range_are_refused() -> None:
    step, carry, batches = perceptron("relu", "cross_entropy", "sgd")
    x, y = batches[0]
    planned = native(step, carry, batches[0])
    for wrong in (WIDTH, -1):
        for advance in (planned.step, lambda batch: planned.run([batch])):
            with pytest.raises(ValueError, match="cross_entropy: classes from"):
                advance((x, y.clone().index_fill_(0, torch.tensor(3), wrong)))
    assert identical(planned.carry(), carry)


def test_predictions_that_are_no_probabilities_are_refused() -> None:
    step, carry = training(pm.linear_bottom, affine(6, 5), lambda y, z: pm.bce(torch.sigmoid(y), z), pm.sgd(0.1))
    inside = (torch.zeros(10, 6, dtype=F64), draw(10, 5))
    carry = (pm.Linear(carry[0].weight, torch.full((5,), 0.5, dtype=F64)), carry[1])
    planned = native(step, carry, inside)
    with pytest.raises(ValueError, match="expected probabilities in"):
        planned.step((1e3 * draw(10, 6), draw(10, 5)))


def test_what_has_no_c_says_so() -> None:
    with pytest.raises(Unplannable, match=r"no C for aten\.cumsum"):
        Plan(lambda w, x: (w.cumsum(0), w.sum()), draw(6), (), engine="native")
    with pytest.raises(Unplannable, match=r"no C for torch\.float16"):
        Plan(lambda w, x: (w * 2, w.sum()), draw(6).half(), (), engine="native")


def test_another_device_is_not_taken_for_memory() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    (x, y), *_ = pieces(6, 6)
    planned = native(step, carry, (x, y))
    with pytest.raises((RuntimeError, ValueError, Unplannable)):
        planned.step((x.to("meta"), y))


def test_the_engine_and_the_source_can_be_read() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    planned = Plan(step, carry, pieces(6, 6)[0], engine="native")
    assert planned.engine == "native"
    assert "for (long p = 0; p < k; p++)" in planned.source
    assert Plan(step, carry, pieces(6, 6)[0]).engine == "plan"


def test_counts_go_in_and_out() -> None:
    def step(carry: tuple[Tensor, Tensor, Tensor], x: Tensor) -> Any:
        a, b, w = carry
        return (b, a + 1 / (1 + b), w * torch.cos(a) - b**2 + x.clamp(-1, 1)), (w * x).sum() * a

    carry, xs = (torch.tensor(0.5, dtype=F64), torch.tensor(2.0, dtype=F64), draw(6)), [draw(6, seed=i) for i in range(5)]
    losses = []
    planned, after = native(step, carry, xs[0]), carry
    for x in xs:
        after, loss = step(after, x)
        losses.append(loss)
    close((planned.run(xs), planned.carry()), (torch.stack(losses), after), rtol=1e-12, atol=1e-13)


def test_generators_are_refused() -> None:
    generator = Generator().manual_seed(0)
    with pytest.raises(Unplannable, match="no C for"):
        Plan(lambda w, x: (w + torch.rand(6, generator=generator, dtype=F64), w.sum()), draw(6), (), engine="native")


def test_fresh_batches_in_a_generator_are_kept_alive() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    seeds = count()
    planned = native(step, carry, pieces(6, 6)[0])
    planned.run((draw(10, 6, seed=s), draw(10, 6, seed=1000 + s)) for s in (next(seeds) for _ in range(50)))
    batches = [(draw(10, 6, seed=s), draw(10, 6, seed=1000 + s)) for s in range(50)]
    close(planned.carry(), pure(step, carry, batches)[0], rtol=1e-11, atol=1e-12)
