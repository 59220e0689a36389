"""Two layers side by side, their outputs added."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

from pure_mlp.layer import Layer, spec

P = TypeVar("P")
Q = TypeVar("Q")
C = TypeVar("C")
D = TypeVar("D")
X = TypeVar("X")


def fan_sum(f: Layer[P, C], g: Layer[Q, D]) -> Layer[tuple[P, Q], tuple[C, D]]:
    """y = f(x) + g(x); dx = dx_f + dx_g, where both branches get the same dy. Params, cache and grads are pairs.

    Raises `ValueError` where the branches' outputs differ in shape or dtype: the sum never broadcasts.

    >>> import torch
    >>> from pure_mlp import identity, relu
    >>> fan_sum(identity, relu).fwd(((), ()), torch.tensor([-1.0, 2.0]))[0]
    tensor([-1.,  4.])
    """

    def fwd(params: tuple[P, Q], x: Tensor) -> tuple[Tensor, tuple[C, D]]:
        y, c = f.fwd(params[0], x)
        z, d = g.fwd(params[1], x)
        if y.shape != z.shape or y.dtype != z.dtype:
            raise ValueError(f"the outputs of {f} {spec(y)} and {g} {spec(z)} cannot be added")
        return y + z, (c, d)

    def bwd(params: tuple[P, Q], cache: tuple[C, D], dy: Tensor) -> tuple[Tensor, tuple[P, Q]]:
        caches: tuple[list[C], list[D]] = [cache[0]], [cache[1]]
        del cache
        dx_g, grads_g = g.bwd(params[1], caches[1].pop(), dy)
        dx_f, grads_f = f.bwd(params[0], caches[0].pop(), dy)
        return dx_f + dx_g, (grads_f, grads_g)

    return Layer(fwd, bwd)
