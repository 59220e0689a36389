"""Self-attention as a module of torch that stands in a sequence."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

__all__ = ["SelfAttention"]


class SelfAttention(nn.Module):
    """y of `attention(heads, causal)` by torch's own kernel: x (*, T, 3n) -> (*, T, n), queries, keys and values side by side.

    >>> import torch
    >>> SelfAttention(2, False)(torch.ones(1, 5, 12)).shape
    torch.Size([1, 5, 4])
    """

    def __init__(self, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads: int = heads
        self.causal: bool = causal

    def forward(self, x: Tensor) -> Tensor:
        """The values at all places, weighed for each."""
        n = 3 * self.heads
        parts = x.reshape(*x.shape[:-1], n, x.shape[-1] // n).transpose(-3, -2)
        q, k, v = (parts[..., i : i + self.heads, :, :] for i in range(0, n, self.heads))
        return scaled_dot_product_attention(q, k, v, is_causal=self.causal).transpose(-3, -2).flatten(-2)

    def extra_repr(self) -> str:
        """What it was made with."""
        return f"{self.heads}, causal={self.causal}"
