"""Nets drawn from the grammar atom | serial | dense | residual | fan_sum | parallel | remat, with params, in float64."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import torch
from hypothesis import settings
from hypothesis import strategies as st
from tables import ACTIVATIONS
from torch import Generator, Tensor

from pure_mlp import Layer, dense, fan_sum, linear, linear_init, parallel, remat, residual, serial, tree_leaves, unit

Net: TypeAlias = Layer[Any, Any]

laws = settings(deadline=None, max_examples=60, derandomize=True, database=None)
seeds = st.integers(0, 2**31)
widths = st.integers(1, 4)


class Drawn(NamedTuple):
    """A net with params, an input and a cotangent that fit."""

    net: Net
    params: Any
    x: Tensor
    dy: Tensor


@st.composite
def nets(draw: st.DrawFn, n_in: int, n_out: int, depth: int = 2) -> tuple[Net, Any]:
    """A net from width n_in to n_out, and its params."""
    square, split = n_in == n_out, draw(st.integers(1, max(n_out - 1, 1)))
    inner = ["serial", "dense", "fan_sum", "remat"] + ["residual"] * square + ["parallel"] * (n_out > 1)
    match draw(st.sampled_from(["linear"] + ["activation", "unit"] * square + inner * 2 * (depth > 0))):
        case "linear":
            return linear, linear_init(n_in, n_out, Generator().manual_seed(draw(seeds)), torch.float64)
        case "activation":
            return draw(st.sampled_from(ACTIVATIONS)).layer, ()
        case "unit":
            return unit, ()
        case "dense":
            params = linear_init(n_in, n_out, Generator().manual_seed(draw(seeds)), torch.float64)
            return dense(draw(st.sampled_from(ACTIVATIONS)).layer), params
        case "serial":
            sizes = [n_in, *draw(st.lists(widths, max_size=2)), n_out]
            parts = [draw(nets(a, b, depth - 1)) for a, b in pairwise(sizes)]
            return serial(*[net for net, _ in parts]), tuple(params for _, params in parts)
        case "residual":
            f, p = draw(nets(n_in, n_out, depth - 1))
            return residual(f), p
        case "fan_sum":
            (f, p), (g, q) = draw(nets(n_in, n_out, depth - 1)), draw(nets(n_in, n_out, depth - 1))
            return fan_sum(f, g), (p, q)
        case "parallel":
            (f, p), (g, q) = draw(nets(n_in, split, depth - 1)), draw(nets(n_in, n_out - split, depth - 1))
            return parallel(f, g), (p, q)
    f, p = draw(nets(n_in, n_out, depth - 1))
    return remat(f), p


@st.composite
def cases(draw: st.DrawFn) -> Drawn:
    n_in, n_out, leading = draw(widths), draw(widths), draw(st.sampled_from([(5,), (1,), (0,), (2, 3), ()]))
    net, params = draw(nets(n_in, n_out))
    g = Generator().manual_seed(draw(seeds))
    return Drawn(net, params, normal((*leading, n_in), g), normal((*leading, n_out), g))


def normal(shape: tuple[int, ...], generator: Generator) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def bits(*trees: object) -> list[tuple[torch.Size, list[int]]]:
    """Shape and bit pattern of every tensor: equal exactly where two results are the same to the bit, NaN and -0 included."""
    return [(leaf.shape, leaf.contiguous().view(torch.int64).flatten().tolist()) for leaf in tree_leaves(trees)]


def run(net: Net, params: object, x: Tensor, dy: Tensor) -> list[tuple[torch.Size, list[int]]]:
    """The bits of everything that the two passes return."""
    y, cache = net.fwd(params, x)
    return bits(y, cache, *net.bwd(params, cache, dy))
