"""Many copies of a layer with params of their own, computed as one."""

from __future__ import annotations

from typing import TypeVar

from torch.func import vmap

from pure_mlp.layer import Layer

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


def ensemble(f: Layer[P, C, X, Y]) -> Layer[P, C, X, Y]:
    """y_m = f(params_m, x_m) for m = 1..M: every tensor of params, x, cache, dy and grads has one more, leading, dimension M.

    Stack the params by `tree_map(lambda *ps: torch.stack(ps), a, b)`. Vectorised by `torch.func.vmap`, so that M small matrix
    products become one batched product. Raises `ValueError` where the leading dimensions differ.

    >>> import torch
    >>> from pure_mlp import linear, linear_init, tree_map
    >>> a, b = (linear_init(3, 2, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    >>> both = tree_map(lambda p, q: torch.stack((p, q)), a, b)
    >>> ensemble(linear).fwd(both, torch.ones(2, 5, 3))[0].shape
    torch.Size([2, 5, 2])
    """
    fwd = vmap(f.fwd)
    bwd = vmap(f.bwd)
    return Layer(lambda params, x: fwd(params, x), lambda params, cache, dy: bwd(params, cache, dy))
