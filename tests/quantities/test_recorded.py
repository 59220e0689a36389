"""Activations and cotangents by path: those of the passes, of every part of every net."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from examples import CASES, Case, affine
from torch import Tensor

import pure_mlp as pm
from pure_mlp import outline, recorded, serial, tree_leaves, tree_map
from pure_mlp.layer import composition

over_cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def cotangent(case: Case) -> Tensor:
    return case.loss(case.y, case.net.fwd(case.params, case.x)[0])[1]


@over_cases
def test_every_layer_is_recorded_in_the_order_of_the_outline(case: Case) -> None:
    net, params, x, _, _ = case
    dy = cotangent(case)
    seen = recorded(net, params, x, dy)
    y, cache = net.fwd(params, x)
    assert torch.equal(seen[""].y, y)
    assert torch.equal(seen[""].dx, net.bwd(params, cache, dy)[0])
    lines = outline(net).splitlines()
    assert [len(path.split(".")) if path else 0 for path in seen] == [(len(l) - len(l.lstrip())) // 2 for l in lines]


@over_cases
def test_cotangents_are_those_of_the_layers_above(case: Case) -> None:
    """y and dy of each layer of a `serial`, against torch.func's pullback of the layers after it."""
    net, params, x, _, _ = case
    dy, made = cotangent(case), composition(net)
    assert made is not None
    seen = recorded(net, params, x, dy)
    for i in range(len(params) - 1):
        below, above = serial(*made.parts()[: i + 1]), serial(*made.parts()[i + 1 :])
        y = below.fwd(params[: i + 1], x)[0]
        pulled: Any = torch.func.vjp(lambda t: above.fwd(params[i + 1 :], t)[0], y)  # noqa: B023
        torch.testing.assert_close(seen[str(i)].y, y, atol=0, rtol=0)
        torch.testing.assert_close(seen[str(i)].dy, pulled[1](dy)[0], atol=1e-14, rtol=1e-12)
        assert seen[str(i + 1)].dx is seen[str(i)].dy
        assert seen[str(i + 1)].x is seen[str(i)].y


def test_parts_within_parts() -> None:
    """Of a net whose values are known: the branches of a sum get one dy, what is run again is recorded once."""
    net = serial(pm.fan_sum(pm.identity, pm.remat(serial(pm.relu, pm.straight_through(pm.tanh)))), pm.relu)
    seen = recorded(net, (((), ((), ())), ()), torch.tensor([1.0, -1.0]), torch.tensor([3.0, 5.0]))
    assert [*seen] == ["", "0", "0.0", "0.1", "0.1.0", "0.1.0.0", "0.1.0.1", "1"]
    dy = torch.tensor([3.0, 0.0])
    assert all(torch.equal(seen[path].dy, dy) for path in ("0", "0.0", "0.1", "0.1.0", "0.1.0.1"))
    assert torch.equal(seen["0"].dx, seen["0.0"].dx + seen["0.1"].dx)
    assert torch.equal(seen["0.1.0.1"].x, torch.tensor([1.0, 0.0]))


def test_members_of_an_ensemble_are_recorded_as_one_and_nothing_is_changed() -> None:
    params = tree_map(lambda p, q: torch.stack((p, q)), affine(3, 2, 0), affine(3, 2, 1))
    x, dy = torch.ones(2, 4, 3, dtype=torch.float64), torch.ones(2, 4, 2, dtype=torch.float64)
    leaves = tree_leaves((params, x, dy))
    versions = [t._version for t in leaves]
    seen = recorded(serial(pm.ensemble(serial(pm.linear)), pm.tanh), ((params,), ()), x, dy)
    assert [*seen] == ["", "0", "1"]
    assert seen["0"].y.shape == (2, 4, 2)
    assert [t._version for t in leaves] == versions
