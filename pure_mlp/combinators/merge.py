"""Two consecutive affine maps are one."""

from __future__ import annotations

import torch

from pure_mlp.layer import spec
from pure_mlp.layers.linear import Linear


def merge(first: Linear, second: Linear) -> Linear:
    """W = W2 W1, b = W2 b1 + b2: the params of one linear layer equal to second after first (handout 1.4(c)), exactly.

    first (mid, in), second (out, mid) -> (out, in). Raises `ValueError` where the widths do not meet.

    >>> merge(Linear(torch.tensor([[2.0]]), torch.tensor([1.0])), Linear(torch.tensor([[3.0]]), torch.tensor([5.0])))
    Linear(weight=tensor([[6.]]), bias=tensor([8.]))
    """
    if second.weight.shape[1] != first.weight.shape[0]:
        raise ValueError(f"merge: first weight {spec(first.weight)}, second {spec(second.weight)} takes (*, {second.weight.shape[1]})")
    return Linear(second.weight @ first.weight, second.weight @ first.bias + second.bias)
