"""What a hand-written gradient is held against: differences and autograd."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pure_mlp.check.differences import pulled as differences

__all__ = ["autograd", "close", "differences"]


def autograd(f: Callable[..., Tensor], dy: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """f(*inputs), and (df/dinput)^T dy for each input, by torch's tape."""
    leaves = [t.detach().clone().requires_grad_() for t in inputs]
    y = f(*leaves)
    return y.detach(), *torch.autograd.grad(y, leaves, dy)


def close(what: str, actual: Tensor, expected: Tensor, *, atol: float, rtol: float) -> None:
    """The same shape and dtype, and values within the tolerance; NaN equals NaN."""
    torch.testing.assert_close(actual, expected, atol=atol, rtol=rtol, equal_nan=True, msg=lambda m: f"{what}: {m}")
