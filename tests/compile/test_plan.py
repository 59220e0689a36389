"""A plan is the pure step, for every optimizer, loss, net and shape of batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from loss_table import LOSSES, LossRow
from optimizers import OPTIMIZERS as ROWS
from optimizers import SCHEDULES
from planned import F64, MIDDLE, affine, around, deep, draw, labelled, loss_of, pieces, same, training
from torch import Generator

import pure_mlp as pm
from pure_mlp._compile.plan import Plan
from pure_mlp.record import tree_map
from pure_mlp.registry.samples import WIDTH

OPTIMIZERS = {
    **{name: row.make(0.01) for name, row in ROWS.items()},
    "sgd at rate 0": pm.sgd(0.0),
    **{f"sgd, {name}": pm.sgd(row.make(0.05), momentum=0.9) for name, row in SCHEDULES.items()},
    "adam by schedule": pm.adam(pm.cosine(1e-2, 3)),
    "clipped norm": pm.chain(pm.clip_by_global_norm(0.1), pm.sgd(0.1)),
    "clipped values": pm.chain(pm.clip_by_value(0.01), pm.adam(1e-2)),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers(optimizer: Any) -> None:
    same(*deep(3, optimizer), pieces(6, 6))


@pytest.mark.parametrize("row", LOSSES, ids=[row.name for row in LOSSES])
@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean"])
def test_losses(row: LossRow, reduction: pm.Reduction) -> None:
    net, params = pm.mlp((6, 7, WIDTH), Generator().manual_seed(0), dtype=F64)
    loss = loss_of(row)
    same(*training(net, params, lambda y, z: loss(y, z, reduction), pm.sgd(0.01)), labelled(row, pieces(6, WIDTH)))


def test_an_ensemble_of_perceptrons() -> None:
    """Inside vmap the compiler reads the memory of tensors itself, which is no reason to refuse the step."""
    net, _ = pm.mlp((6, 7, 1), Generator().manual_seed(0), dtype=F64)
    both = [pm.mlp((6, 7, 1), Generator().manual_seed(seed), dtype=F64)[1] for seed in (0, 1)]
    params = tree_map(lambda a, b: torch.stack((a, b)), *both)
    batches = [(torch.stack((x, x)), torch.stack((y, y))) for x, y in pieces(6, 1)]
    same(*training(pm.ensemble(net), params, pm.mse, pm.sgd(0.1)), batches)


NETS: dict[str, tuple[Any, Any]] = {
    "linear": (pm.linear, affine(6, 6)),
    "serial": (pm.serial(pm.linear, pm.relu, pm.linear, pm.sigmoid), (affine(6, 7), (), affine(7, 6), ())),
    "residual": (pm.serial(pm.linear, pm.residual(pm.linear)), (affine(6, 6), affine(6, 6, 1))),
    "parallel": (pm.parallel(pm.linear, pm.linear), (affine(6, 2), affine(6, 4, 1))),
    "remat": (pm.remat(pm.serial(pm.linear, pm.tanh, pm.linear)), (affine(6, 7), (), affine(7, 6))),
    **{name: (pm.serial(pm.linear, row.layer, pm.linear), around(name, 6, 7, 6)) for name, row in MIDDLE.items()},
}


@pytest.mark.parametrize(("net", "params"), NETS.values(), ids=NETS)
def test_nets(net: Any, params: Any) -> None:
    same(*training(net, params, pm.mse, pm.sgd(0.1)), pieces(6, 6))


def test_an_ensemble() -> None:
    params = tree_map(lambda *ps: torch.stack(ps), affine(6, 5), affine(6, 5, 1))
    batches = [(draw(2, 10, 6, seed=i), draw(2, 10, 5, seed=50 + i)) for i in range(3)]
    same(*training(pm.ensemble(pm.linear), params, pm.mse, pm.adam(0.01)), batches)


def test_three_dimensions_and_other_strides() -> None:
    batches = [(draw(6, 4, 3, seed=i).transpose(0, 2), draw(3, 4, 5, seed=9 + i)) for i in range(3)]
    same(*training(pm.linear, affine(6, 5), pm.mse, pm.sgd(0.1)), batches)


def test_strides_that_change() -> None:
    batches = [(draw(3, 4, 6, seed=i), draw(3, 4, 5, seed=9 + i)) for i in range(2)]
    batches += [(draw(6, 4, 3, seed=i).transpose(0, 2), draw(3, 4, 5, seed=9 + i)) for i in range(2)]
    same(*training(pm.linear, affine(6, 5), pm.mse, pm.sgd(0.1)), batches)


def test_depth_64() -> None:
    same(*deep(64, pm.adam(1e-3)), pieces(6, 6))


@pytest.mark.parametrize("optimizer", [pm.sgd(0.1), pm.adam(1e-2)], ids=["sgd", "adam"])
def test_short_last_batch_and_back(optimizer: Any) -> None:
    same(*deep(2, optimizer), pieces(6, 6, (10, 10, 3, 10, 1, 3)))


def test_a_tensor_twice_in_a_batch_is_two_inputs() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    x = draw(10, 6)
    same(step, carry, [(x, x), *pieces(6, 6)])


def test_width_one_and_batch_one() -> None:
    net, params = pm.mlp((3, 1, 4, 1), Generator().manual_seed(0), dtype=F64)
    same(*training(net, params, pm.mse, pm.adam(0.01)), pieces(3, 1, (1, 1, 5, 5)))


def test_captured_tensors_are_read_at_each_step() -> None:
    rate, w = torch.tensor(0.1, dtype=F64), draw(6)
    planned = Plan(lambda w, x: (w - rate * x, (w * x).sum()), w, w)
    planned.step(w)
    rate.fill_(0.5)
    planned.step(w)
    torch.testing.assert_close(planned.carry(), 0.4 * w)


def test_dtype_and_strides_have_their_own_program() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    planned, (x, y) = Plan(step, carry, pieces(6, 6)[0]), pieces(6, 6)[1]
    wide = torch.stack((x, x), -1)[..., 0]
    with pytest.raises(ValueError, match="float32"):
        planned.step((x.float(), y))
    assert planned.step((x, y)) == pytest.approx(step(carry, (x, y))[1].item(), rel=1e-12)
    again = Plan(step, carry, pieces(6, 6)[0])
    assert again.step((wide, y)) == pytest.approx(step(carry, (x, y))[1].item(), rel=1e-12)
