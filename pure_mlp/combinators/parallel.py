"""Two layers side by side, their outputs concatenated."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from pure_mlp.layer import Layer, spec

P = TypeVar("P")
Q = TypeVar("Q")
C = TypeVar("C")
D = TypeVar("D")


def parallel(f: Layer[P, C], g: Layer[Q, D]) -> Layer[tuple[P, Q], tuple[C, D, Tensor]]:
    """y = [f(x), g(x)], joined along the last dimension; dy is cut at the same place, and dx = dx_f + dx_g.

    Params and grads are pairs. The cache is that of f, that of g, and an empty tensor (0, m) whose width m tells where to cut.
    Raises `ValueError` where the outputs differ in more than the last dimension, or dy has another width than y.

    >>> import torch
    >>> from pure_mlp import identity, relu
    >>> parallel(identity, relu).fwd(((), ()), torch.tensor([[-1.0, 2.0]]))[0]
    tensor([[-1.,  2.,  0.,  2.]])
    """

    def fwd(params: tuple[P, Q], x: Tensor) -> tuple[Tensor, tuple[C, D, Tensor]]:
        y, c = f.fwd(params[0], x)
        z, d = g.fwd(params[1], x)
        if y.shape[:-1] != z.shape[:-1] or y.dtype != z.dtype:
            raise ValueError(f"the outputs of {f} {spec(y)} and {g} {spec(z)} cannot be joined")
        return torch.cat((y, z), -1), (c, d, y.new_empty(0, y.shape[-1]))

    def bwd(params: tuple[P, Q], cache: tuple[C, D, Tensor], dy: Tensor) -> tuple[Tensor, tuple[P, Q]]:
        caches: tuple[list[C], list[D]] = [cache[0]], [cache[1]]
        cut = cache[2].shape[-1]
        del cache
        dx_g, grads_g = g.bwd(params[1], caches[1].pop(), dy[..., cut:])
        dx_f, grads_f = f.bwd(params[0], caches[0].pop(), dy[..., :cut])
        return dx_f + dx_g, (grads_f, grads_g)

    return Layer(fwd, bwd)
