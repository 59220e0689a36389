"""What a hand-written gradient is held against: differences and autograd."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def differences(f: Callable[[Tensor], Tensor], x: Tensor, dy: Tensor, h: float = 5e-4) -> Tensor:
    """(df/dx)^T dy by 5-point central differences, one element of x after another: error O(h^4) and rounding eps/h."""
    out = torch.zeros_like(x, memory_format=torch.contiguous_format)
    for i in range(x.numel()):

        def at(step: float, i: int = i) -> Tensor:
            moved = x.clone(memory_format=torch.contiguous_format)
            moved.view(-1)[i] += step
            return f(moved)

        slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
        out.view(-1)[i] = (slope * dy).sum()
    return out


def autograd(f: Callable[..., Tensor], dy: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """f(*inputs), and (df/dinput)^T dy for each input, by torch's tape."""
    leaves = [t.detach().clone().requires_grad_() for t in inputs]
    y = f(*leaves)
    return y.detach(), *torch.autograd.grad(y, leaves, dy)


def close(what: str, actual: Tensor, expected: Tensor, *, atol: float, rtol: float) -> None:
    """The same shape and dtype, and values within the tolerance; NaN equals NaN."""
    torch.testing.assert_close(actual, expected, atol=atol, rtol=rtol, equal_nan=True, msg=lambda m: f"{what}: {m}")
