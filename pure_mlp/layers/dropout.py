"""Dropout (Srivastava et al., 2014), whose mask is a function of a seed."""

from __future__ import annotations

from functools import partial
from math import ceil, prod
from typing import TypeVar, cast

import attrs
import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer, Rule, over
from pure_mlp.layers.identity import straight
from pure_mlp.shapes import check_cotangent, check_number, check_tangent, spec

__all__ = ["dropout", "seeded"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")

_LOW = 0xFFFFFFFF


def dropout(rate: float = 0.5, seed: int | Tensor | None = None) -> Activation:
    """y = m x, m = 0 with probability p = rate, else 1 / (1 - p), for each number alone; dx = m dy. The cache is m.

    No state is read or changed: m is a function of the seed, the row and the column, the same in `bwd`, under `remat`, in
    programs and on every machine. So a step gives its net another seed each time: see `seeded`. To evaluate, see `evaluated`.
    Members of an `ensemble` share a mask.
    A number that is dropped is multiplied by 0, by which inf becomes NaN, as in torch. At p = 1 y is 0.

    Args:
        rate: p, from 0 to 1.
        seed: a whole number, or a tensor of one, int64; None for a layer that refuses to run until it is `seeded`.

    Returns:
        The layer, for x and dy of any shape.

    Raises:
        ValueError: rate is not in [0, 1]; there is no seed, or it is no whole number; or dy has not the shape of y.

    >>> dropout(0.5, seed=0).fwd((), torch.ones(8))[0]
    tensor([2., 0., 0., 0., 0., 2., 2., 2.])
    """
    check_number("dropout", "rate", rate, most=1)
    if seed is not None:
        _whole(seed)
    return Layer(partial(_dropout_fwd, rate, seed), _dropout_bwd, _dropout_jvp, straight)


def _dropout_fwd(rate: float, seed: int | Tensor | None, params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    if seed is None:
        raise ValueError("dropout without a seed: run seeded(net, seed), or evaluated(net), which drops nothing")
    kept = _bits(_whole(seed).to(x.device), x) >= ceil(rate * (_LOW + 1))
    m = kept.to(x.dtype) * (1 / (1 - rate) if rate < 1 else 0.0)
    return x * m, m


def _dropout_bwd(params: tuple[()], m: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    check_cotangent(m, dy)
    return m * dy, ()


def _dropout_jvp(params: tuple[()], m: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    check_tangent(m, dx)
    return m * dx


def seeded(net: Layer[P, C, X, Y], seed: int | Tensor) -> Layer[P, C, X, Y]:
    """The net whose dropout layers, in order, have the seeds h(seed), h(seed) + 1, .., where h scrambles 32 bits.

    In a step the seed is a number of the carry, or drawn from a generator: each step then has other masks.

    Args:
        net: any net; what is no dropout stays as it is.
        seed: a whole number, or a 0-dim tensor of one, int64.

    Returns:
        The net, of the same type.

    >>> from pure_mlp import linear, mse, serial, sgd, training_step
    >>> net = serial(linear, dropout(0.2))
    >>> def step(carry, batch):
    ...     inner, seed = carry
    ...     inner, J = training_step(seeded(net, seed), mse, sgd(0.1))(inner, batch)
    ...     return (inner, seed + 1), J
    """
    base, count = _mixed(_whole(seed)), 0

    def rule(layer: Layer[tuple[()], Tensor]) -> Layer[tuple[()], Tensor]:
        nonlocal count
        fwd = layer.fwd
        if not isinstance(fwd, partial) or fwd.func is not _dropout_fwd:
            return layer
        count += 1
        return attrs.evolve(layer, fwd=partial(_dropout_fwd, fwd.args[0], base + (count - 1)))

    return over(cast(Rule, rule), net)


def _whole(seed: int | Tensor) -> Tensor:
    whole = not seed.dtype.is_floating_point and seed.numel() == 1 if isinstance(seed, Tensor) else hasattr(seed, "__index__")
    if not whole:
        raise ValueError(f"dropout: a seed that is {spec(seed)}, expected a whole number, or a tensor of one")
    return torch.as_tensor(seed)


def _bits(seed: Tensor, x: Tensor) -> Tensor:
    """32 bits for each number of x, from the seed, the row and the column, int64."""
    *rows, columns = (1, *x.shape)
    key = _mixed(seed + 1)  # 0 stays 0, where rows and columns would be the same
    down = _mixed(torch.arange(prod(rows), device=x.device) + key)
    right = _mixed(torch.arange(columns, device=x.device) - key)
    return _mixed(down.unsqueeze(1) + right).view(x.shape)


def _mixed(z: Tensor) -> Tensor:
    """A permutation of 32-bit numbers that leaves no pattern (C. Wellons, Prospecting for Hash Functions), in 63 bits of int64."""
    z = z & _LOW
    z = (z ^ _shifted(z, 16)) * 0x21F0AAAD & _LOW
    z = (z ^ _shifted(z, 15)) * 0x735A2D97 & _LOW
    return z ^ _shifted(z, 15)


_shifted = torch.bitwise_right_shift
