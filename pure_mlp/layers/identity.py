"""The layer that passes its input on."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer
from pure_mlp.shapes import check_cotangent, check_tangent

__all__ = ["identity", "identity_bwd", "identity_fwd", "identity_jvp", "straight"]


def identity_fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    """y = x. Both y and the cache are x itself, not a copy.

    >>> import torch
    >>> identity_fwd((), torch.ones(2))[0]
    tensor([1., 1.])
    """
    return x, x


def identity_bwd(params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    """dx = dy, handout (2); dx is dy itself. Raises `ValueError` unless dy has the shape of y.

    >>> import torch
    >>> identity_bwd((), torch.ones(2), torch.full((2,), 3.0))[0]
    tensor([3., 3.])
    """
    check_cotangent(y, dy)
    return dy, ()


def identity_jvp(params: tuple[()], y: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    """dy = dx, which is dx itself. Raises `ValueError` unless dx has the shape of x.

    >>> import torch
    >>> identity_jvp((), torch.ones(2), (), torch.full((2,), 3.0))
    tensor([3., 3.])
    """
    check_tangent(y, dx)
    return dx


def straight(params: tuple[()], cache: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor) -> tuple[Tensor, tuple[()]]:
    """The `bwd_jvp` of a layer made of straight pieces: its slope does not move.

    >>> import torch
    >>> straight((), torch.ones(2), torch.ones(2), (), torch.ones(2))
    (tensor([0., 0.]), ())
    """
    return torch.zeros_like(dy), ()


identity: Activation = Layer(identity_fwd, identity_bwd, identity_jvp, straight)
