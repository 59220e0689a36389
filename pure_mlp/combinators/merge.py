"""Two consecutive affine maps are one."""

from __future__ import annotations

from pure_mlp.layers.linear import Linear
from pure_mlp.shapes import spec

__all__ = ["merge"]


def merge(first: Linear, second: Linear) -> Linear:
    """W = W2 W1, b = W2 b1 + b2: the params of one linear layer equal to second after first (handout 1.4(c)), exactly.

    Args:
        first: the params of the first layer, weight (mid, in).
        second: those of the layer after it, weight (out, mid).

    Returns:
        Weight (out, in) and bias (out,).

    Raises:
        ValueError: the widths do not meet.

    >>> import torch
    >>> merge(Linear(torch.tensor([[2.0]]), torch.tensor([1.0])), Linear(torch.tensor([[3.0]]), torch.tensor([5.0])))
    Linear(weight=tensor([[6.]]), bias=tensor([8.]))
    """
    given: tuple[object, ...] = first, second
    if not all(isinstance(p, Linear) for p in given):
        raise ValueError(f"merge: {spec(first)} and {spec(second)}, expected two Linear")
    if second.weight.shape[1] != first.weight.shape[0]:
        taken = f"{spec(second.weight)} takes (*, {second.weight.shape[1]})"
        raise ValueError(f"merge: first weight {spec(first.weight)}, second {taken}")
    return Linear(second.weight @ first.weight, second.weight @ first.bias + second.bias)
