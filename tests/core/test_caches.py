"""Caches die as the backward pass consumes them."""

from __future__ import annotations

import sys
import weakref
from typing import Any, TypeAlias

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import (
    Layer,
    Linear,
    dense,
    fan_sum,
    linear,
    linear_init,
    mse,
    parallel,
    relu,
    remat,
    residual,
    serial,
    sgd,
    training_step,
    value_and_grad,
)

Net: TypeAlias = Layer[Any, Any]


def affine(n_in: int, n_out: int, dtype: torch.dtype = torch.float32) -> Linear:
    return linear_init(n_in, n_out, Generator().manual_seed(0), dtype)


pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 holds the arguments of a call until it returns")


class Watch:
    """Makes layers whose caches are copies of their own, and notes at each backward call how many of the others' are alive."""

    def __init__(self) -> None:
        self.caches: list[weakref.ref[Tensor]] = []
        self.alive: list[int] = []

    def __call__(self, layer: Net) -> Net:
        def fwd(params: Any, x: Tensor) -> tuple[Tensor, Tensor]:
            y, cache = layer.fwd(params, x)
            cache = cache.clone()
            self.caches.append(weakref.ref(cache))
            return y.clone(), cache

        def bwd(params: Any, cache: Tensor, dy: Tensor) -> tuple[Tensor, Any]:
            self.alive.append(sum(ref() is not None for ref in self.caches) - 1)
            return layer.bwd(params, cache, dy)

        return Layer(fwd, bwd)


def six(form: str, w: Watch) -> tuple[Net, Any]:
    """Six watched layers in one form of composition, with params."""
    p = affine(2, 2)
    match form:
        case "serial":
            return serial(*[w(linear) for _ in range(6)]), (p,) * 6
        case "nested":
            return serial(*[serial(w(linear), serial(w(linear))) for _ in range(3)]), ((p, (p,)),) * 3
        case "dense":
            return serial(*[dense(w(relu), w(linear)) for _ in range(3)]), (p,) * 3
        case "residual":
            return serial(*[residual(w(linear)) for _ in range(6)]), (p,) * 6
        case "fan_sum":
            return serial(*[fan_sum(w(linear), w(linear)) for _ in range(3)]), ((p, p),) * 3
        case "parallel":
            return serial(*[parallel(w(relu), w(relu)) for _ in range(3)]), (((), ()),) * 3
    return serial(*[w(remat(linear)) for _ in range(6)]), (p,) * 6


@pytest.mark.parametrize("form", ["serial", "nested", "dense", "residual", "fan_sum", "parallel", "remat"])
def test_caches_die_as_the_backward_pass_consumes_them(form: str) -> None:
    w = Watch()
    net, params = six(form, w)
    y, *cache = net.fwd(params, torch.ones(3, 2))
    net.bwd(params, cache.pop(), y)
    assert w.alive == [5, 4, 3, 2, 1, 0]


def test_remat_keeps_no_cache_of_what_it_holds_and_one_block_at_a_time() -> None:
    w = Watch()
    net, params = serial(*[remat(serial(w(linear), w(linear))) for _ in range(3)]), ((affine(2, 2),) * 2,) * 3
    y, *cache = net.fwd(params, torch.ones(3, 2))
    assert [ref() for ref in w.caches] == [None] * 6
    net.bwd(params, cache.pop(), y)
    assert w.alive == [1, 0] * 3


def test_training_gives_its_caches_away() -> None:
    for train in (
        lambda net, p, x: value_and_grad(net, mse)(p, x, x),
        lambda net, p, x: training_step(net, mse, sgd(0.1))((p, sgd(0.1).init(p)), (x, x)),
    ):
        w = Watch()
        net, params = six("nested", w)
        train(net, params, torch.ones(3, 2))
        assert w.alive == [5, 4, 3, 2, 1, 0]
