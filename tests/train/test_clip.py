"""Clipping is its formula, at zero, NaN and infinity too."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest
import torch
from optimizers import Params, drawn, same
from torch import Tensor

from pure_mlp import (
    Optimizer,
    chain,
    clip_by_global_norm,
    clip_by_value,
    sgd,
    tree_leaves,
    tree_map,
)


def close(actual: object, expected: object, *, atol: float) -> None:
    torch.testing.assert_close(tree_leaves(actual), tree_leaves(expected), atol=atol, rtol=0)


def clipped(by: Optimizer, grads: Params) -> Params:
    """What is left of the gradients: a step of sgd at rate 1 away from 0."""
    zeros = tree_map(torch.zeros_like, grads)
    optimizer = chain(by, sgd(1.0))
    return tree_map(torch.neg, optimizer.update(zeros, grads, optimizer.init(zeros))[0])


@pytest.mark.parametrize("limit", [0.0, 0.5, 2.0, 5.9, 6.1, 100.0, inf])
def test_clip_by_global_norm_is_its_formula(limit: float) -> None:
    grads = tree_map(lambda t: 6 * t / torch.cat([p.flatten() for p in tree_leaves(drawn(3))]).norm(), drawn(3))
    left = clipped(clip_by_global_norm(limit), grads)
    close(left, tree_map(lambda t: t * min(1.0, limit / 6), grads), atol=1e-14)
    theirs = tree_map(Tensor.clone, grads)
    with_grad = [torch.zeros_like(t) for t in tree_leaves(theirs)]
    for p, g in zip(with_grad, tree_leaves(theirs)):
        p.grad = g
    torch.nn.utils.clip_grad_norm_(with_grad, limit)
    close(left, theirs, atol=1e-6)  # torch divides by the norm + 1e-6


def test_clip_of_zero_nan_and_infinity() -> None:
    zeros = tree_map(torch.zeros_like, drawn(0))
    for by in (clip_by_global_norm(1.0), clip_by_global_norm(0.0), clip_by_value(0.0)):
        assert same(clipped(by, zeros), zeros)
        assert same(by.update((), (), by.init(()))[0], ())
    bad: Any = tree_map(lambda t: torch.full_like(t, nan), drawn(0))
    for limit in (0.0, 1.0):
        assert all(t.isnan().all() for t in tree_leaves(clipped(clip_by_global_norm(limit), (bad[0], (), drawn(0)[2]))))
    assert all(t.isnan().all() for t in tree_leaves(clipped(clip_by_value(1.0), bad)))
    huge = tree_map(lambda t: torch.full_like(t, -inf), drawn(0))
    assert same(clipped(clip_by_value(2.0), huge), tree_map(lambda t: torch.full_like(t, -2.0), huge))


def test_clip_by_value_is_clip_grad_value() -> None:
    with_grad = [torch.zeros_like(t) for t in tree_leaves(drawn(3))]
    for p, g in zip(with_grad, tree_leaves(drawn(3))):
        p.grad = g.clone()
    torch.nn.utils.clip_grad_value_(with_grad, 0.3)
    assert same(clipped(clip_by_value(0.3), drawn(3)), tuple(p.grad for p in with_grad))
