"""Mean, variance and range of columns, from any pieces of them in any order."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from pure_mlp.record import record


@record
@attrs.frozen(eq=False)
class Moments:
    """Of d columns, each (d,) float64: how many numbers, their mean, the sum of squared distances from it, the least, the greatest.

    >>> moments(torch.tensor([[1.0], [3.0]])).mean
    tensor([2.], dtype=torch.float64)
    """

    count: Tensor
    mean: Tensor
    squares: Tensor
    low: Tensor
    high: Tensor

    @property
    def std(self) -> Tensor:
        """sqrt(squares / count), 0 where there is no number."""
        return (self.squares / self.count.clamp(min=1)).sqrt()


def moments(x: Tensor) -> Moments:
    """Those of the columns of x (n, d), n >= 0, summed in float64; NaN counts as no number.

    >>> moments(torch.tensor([[1.0], [3.0], [torch.nan]])).std
    tensor([1.], dtype=torch.float64)
    """
    wide, there = x.to(torch.float64), ~x.isnan()
    count = there.sum(0).to(torch.float64)
    mean = torch.where(there, wide, 0.0).sum(0) / count.clamp(min=1)
    squares = torch.where(there, wide - mean, 0.0).square().sum(0)
    ends = wide.new_full((1, x.shape[1]), torch.inf)  # for n = 0
    low = torch.cat((torch.where(there, wide, torch.inf), ends)).amin(0)
    return Moments(count, mean, squares, low, torch.cat((torch.where(there, wide, -torch.inf), -ends)).amax(0))


def merged(a: Moments, b: Moments) -> Moments:
    """The moments of both together: with n = n_a + n_b and d = mean_b - mean_a, mean_a + d n_b / n and S_a + S_b + d^2 n_a n_b / n.

    Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979, equation 2.1.

    >>> merged(moments(torch.tensor([[1.0]])), moments(torch.tensor([[3.0]]))).squares
    tensor([2.], dtype=torch.float64)
    """
    count, apart = a.count + b.count, b.mean - a.mean
    share = b.count / count.clamp(min=1)
    squares = a.squares + b.squares + apart.square() * a.count * share
    return Moments(count, a.mean + apart * share, squares, torch.minimum(a.low, b.low), torch.maximum(a.high, b.high))
