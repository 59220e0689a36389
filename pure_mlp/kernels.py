"""Fused kernels of torch that have no public binding, typed, each with the formula that it computes in one pass.

Only kernels whose formula would cost extra passes over memory or extra operations stand here; a test holds each to its formula.
`wide` gives sums their dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

__all__ = ["ONES", "addmm_relu", "mse_backward", "sigmoid_backward", "squared_error", "tanh_backward", "threshold_backward", "wide"]

_threshold_backward = torch.ops.aten.threshold_backward.default
_sigmoid_backward = torch.ops.aten.sigmoid_backward.default
_compiling = torch.compiler.is_compiling
_tanh_backward = torch.ops.aten.tanh_backward.default
_mse_loss = cast(Callable[[Tensor, Tensor, int], Tensor], torch._C._nn.mse_loss)  # declared to take a string, takes 0 for none
_mse_loss_backward = torch.ops.aten.mse_loss_backward.default
_transform = torch._C._functorch.maybe_current_level


ONES = {dtype: torch.ones((), dtype=dtype) for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)}
"""dJ/dJ; being 0-dim, it promotes nothing, but of J's own dtype it costs least."""


def _plain(*tensors: Tensor) -> bool:
    """Whether fused kernels may take these tensors: no subclass (fake, distributed), no transform of torch.func, no compiler.

    Not every fused kernel knows forward derivatives, batches of problems or shards; the formula does, and is what compilers fuse.
    """
    for t in tensors:
        if type(t) is not Tensor:
            return False
    return not _compiling() and _transform() is None


def threshold_backward(dy: Tensor, y: Tensor) -> Tensor:
    """dy where y > 0 or y is NaN, else 0; whatever dy holds there, inf and NaN included.

    >>> threshold_backward(torch.tensor([5.0, float("inf")]), torch.tensor([1.0, 0.0]))
    tensor([5., 0.])
    """
    out: Tensor = _threshold_backward(dy, y, 0)
    return out


def sigmoid_backward(dy: Tensor, y: Tensor) -> Tensor:
    """dy (1 - y) y.

    >>> sigmoid_backward(torch.tensor(4.0), torch.tensor(0.5))
    tensor(1.)
    """
    out: Tensor = _sigmoid_backward(dy, y)
    return out


def tanh_backward(dy: Tensor, y: Tensor) -> Tensor:
    """dy (1 - y^2).

    >>> tanh_backward(torch.tensor(4.0), torch.tensor(0.5))
    tensor(3.)
    """
    out: Tensor = _tanh_backward(dy, y)
    return out


def squared_error(a: Tensor, b: Tensor) -> Tensor:
    """(a - b)^2, element by element.

    >>> squared_error(torch.zeros(2), torch.full((2,), 3.0))
    tensor([9., 9.])
    """
    return _mse_loss(a, b, 0)


def mse_backward(a: Tensor, b: Tensor) -> Tensor:
    """2 (a - b) / numel; of plain tensors in one kernel.

    >>> mse_backward(torch.zeros(2), torch.full((2,), 3.0))
    tensor([-3., -3.])
    """
    if not _plain(a, b):
        return (2 / max(a.numel(), 1)) * (a - b)
    out: Tensor = _mse_loss_backward(ONES.get(a.dtype, ONES[torch.float64]), a, b, 1)
    return out


def addmm_relu(bias: Tensor, x: Tensor, weight_t: Tensor) -> Tensor:
    """max(0, x weight_t + bias) for matrices; of plain tensors in one kernel.

    >>> addmm_relu(torch.tensor([-3.0, 1.0]), torch.ones(1, 1), torch.ones(1, 2))
    tensor([[0., 2.]])
    """
    if not _plain(bias, x, weight_t):
        return torch.relu(torch.addmm(bias, x, weight_t))
    return torch._addmm_activation(bias, x, weight_t)


def wide(x: Tensor) -> Tensor:
    """x in float32 where it is half precision, else x itself: there squares overflow, and means of differences lose digits.

    >>> wide(torch.ones(2, dtype=torch.bfloat16)).dtype, wide(torch.ones(2, dtype=torch.float64)).dtype
    (torch.float32, torch.float64)
    """
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
