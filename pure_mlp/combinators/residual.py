"""The skip connection."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

from pure_mlp.combinators.fan_sum import fan_sum
from pure_mlp.layer import Layer
from pure_mlp.layers.identity import identity

P = TypeVar("P")
C = TypeVar("C")


def residual(f: Layer[P, C]) -> Layer[tuple[tuple[()], P], tuple[Tensor, C]]:
    """y = x + f(x); dx = dy + dx_f (He et al., arXiv:1512.03385). Params are `((), p)`, as of `fan_sum(identity, f)`, which it is.

    Raises `ValueError` where f changes the shape or dtype.

    >>> import torch
    >>> from pure_mlp import relu
    >>> residual(relu).fwd(((), ()), torch.tensor([-1.0, 2.0]))[0]
    tensor([-1.,  4.])
    """
    return fan_sum(identity, f)
