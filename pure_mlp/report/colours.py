"""Numbers and probabilities as colours that stand on white and on black."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["PALETTE", "blended", "signed"]

PALETTE = ("#2b7bba", "#d9601a", "#2f9e63", "#a85fb8", "#c99a06", "#17a2b8", "#c2405e", "#8a6d5a", "#7f8a99", "#8aa03a")
"""One a class, after which they begin again."""


def rgb(colour: str) -> list[float]:
    """Red, green and blue from 0 to 1.

    >>> rgb("#ff0033")
    [1.0, 0.0, 0.2]
    """
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def signed(values: Tensor) -> Tensor:
    """Pixels (.., 4) of values (..): blue above 0, orange below, the stronger the farther from it; 1 and -1 are full.

    >>> signed(torch.tensor([0.0, -1.0]))[:, 3]
    tensor([0., 1.])
    """
    ends = torch.tensor([rgb(PALETTE[1]), rgb(PALETTE[0])])
    return torch.cat((ends[(values > 0).long()], values.abs().clamp(0, 1).unsqueeze(-1)), -1)


def blended(scores: Tensor, opacity: float = 0.6) -> Tensor:
    """Pixels (.., 4) of scores (.., classes): the colours of the classes mixed as their scores, negative ones left out.

    >>> blended(torch.tensor([[2.0, 0.0], [1.0, 1.0]])).shape
    torch.Size([2, 4])
    """
    colours = torch.tensor([rgb(PALETTE[k % len(PALETTE)]) for k in range(scores.shape[-1])])
    weights = scores.clamp(0).to(torch.float32)
    mixed = (weights / weights.sum(-1, keepdim=True)) @ colours
    return torch.cat((mixed, torch.full_like(mixed[..., :1], opacity)), -1)
