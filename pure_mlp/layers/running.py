"""Running statistics of `batch_norm`, as values in and out; and the layer that normalizes by them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TypeVar

import attrs
import torch
from torch import Tensor

from pure_mlp.kernels import wide
from pure_mlp.layer import Layer
from pure_mlp.layers.batch_norm import BatchNorm, Normalized
from pure_mlp.layers.means import check_vectors
from pure_mlp.record import children, record
from pure_mlp.shapes import check_cotangent, check_number, check_tangent, spec

__all__ = ["Statistics", "batch_norm_by", "initial_statistics", "running_statistics"]

T = TypeVar("T")


@record
@attrs.frozen(eq=False)
class Statistics:
    """Mean and variance (n,) of the columns of what one `batch_norm` sees, float32 where that is half precision.

    >>> Statistics(mean=torch.zeros(2), variance=torch.ones(2)).mean
    tensor([0., 0.])
    """

    mean: Tensor
    variance: Tensor


def initial_statistics(params: object) -> tuple[Statistics, ...]:
    """Mean 0 and variance 1 for each `batch_norm` of a net, in order.

    Args:
        params: those of the net.

    Returns:
        As many statistics as there are records `BatchNorm` in the params.

    >>> initial_statistics(((), BatchNorm(torch.ones(1), torch.zeros(1))))
    (Statistics(mean=tensor([0.]), variance=tensor([1.])),)
    """
    weights = [wide(p.weight) for p in _found(BatchNorm, params)]
    return tuple(Statistics(torch.zeros_like(w), torch.ones_like(w)) for w in weights)


def running_statistics(cache: object, statistics: tuple[Statistics, ...], momentum: float = 0.1) -> tuple[Statistics, ...]:
    """(1 - momentum) old + momentum that of the batch, for mean and variance, as torch's: the batch's variance is divided by N - 1.

    A batch of fewer than two rows changes nothing, as it has no variance. Those of an `ensemble` are stacked, as its params are.

    Args:
        cache: that of a forward pass of the net. Under `remat` it holds no statistics: put batch_norm outside.
        statistics: the old ones, one for each `batch_norm`, in order.
        momentum: how much the batch counts, from 0 to 1.

    Returns:
        The new ones.

    Raises:
        ValueError: the cache has another number of them, or momentum is out of range.

    >>> from pure_mlp import batch_norm
    >>> params = BatchNorm(torch.ones(1), torch.zeros(1))
    >>> _, cache = batch_norm().fwd(params, torch.tensor([[1.0], [3.0]]))
    >>> running_statistics(cache, initial_statistics(params), 0.5)
    (Statistics(mean=tensor([1.]), variance=tensor([1.5000])),)
    """
    check_number("running_statistics", "momentum", momentum, most=1)
    found = [*_found(Normalized, cache)]
    if not isinstance(statistics, (tuple, list)):
        raise ValueError(f"running_statistics: statistics {spec(statistics)}, expected a tuple of Statistics")
    if len(found) != len(statistics):
        raise ValueError(
            f"running_statistics: {len(statistics)} statistics, the cache has those of {len(found)} batch_norm (none under remat)"
        )
    return tuple(_moved(old, seen, momentum) for old, seen in zip(statistics, found))


def _moved(old: Statistics, seen: Normalized, momentum: float) -> Statistics:
    rows = seen.h.numel() // max(seen.mean.numel(), 1)
    if rows < 2:
        return old
    mean = (1 - momentum) * old.mean + momentum * seen.mean.to(old.mean.dtype)
    spread = seen.deviation.to(old.variance.dtype).square()
    variance = (1 - momentum) * old.variance + momentum * rows / (rows - 1) * spread
    return Statistics(mean, variance)


def _found(kind: type[T], tree: object) -> Iterator[T]:
    """The records of a class in a tree, in order."""
    if isinstance(tree, kind):
        yield tree
        return
    for _, child in children(tree) or ():
        yield from _found(kind, child)


def batch_norm_by(statistics: Statistics, eps: float = 1e-5) -> Layer[BatchNorm, tuple[Tensor, Tensor]]:
    """y = w h + b, h = (x - m) r, r = 1 / sqrt(v + eps), with given m and v: `batch_norm` as it is evaluated.

    dx = w r dy, dw = sum of dy h and db = sum of dy over the rows. The cache is (h, r).

    Args:
        statistics: m and v, (n,).
        eps: added to the variance, in [0, 1]: the width is in the params.

    Returns:
        The layer, for x and dy (*, n), of the params of `batch_norm`.

    Raises:
        ValueError: eps is not in [0, 1], weight and statistics are not (n,), the weight not in the dtype of x, or dy has
            not the shape of y.

    >>> layer = batch_norm_by(Statistics(torch.tensor([1.0]), torch.tensor([4.0])), 0.0)
    >>> layer.fwd(BatchNorm(torch.ones(1), torch.zeros(1)), torch.tensor([[5.0]]))[0]
    tensor([[2.]])
    """
    if not isinstance(statistics, Statistics):
        raise ValueError(f"batch_norm_by: {spec(statistics)}, expected Statistics")
    check_number("batch_norm_by", "eps", eps, most=1)
    return Layer(partial(_batch_norm_by_fwd, eps, statistics.mean, statistics.variance), _by_bwd, _by_jvp, _by_bwd_jvp)


def _batch_norm_by_fwd(
    eps: float, mean: Tensor, variance: Tensor, params: BatchNorm, x: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    check_vectors(BatchNorm, params, x)
    if mean.shape != x.shape[-1:] or variance.shape != x.shape[-1:]:
        raise ValueError(f"input {spec(x)}, mean {spec(mean)}, variance {spec(variance)}")
    z = wide(x)
    r = torch.rsqrt(variance.to(z.dtype) + eps)
    h = ((z - mean.to(z.dtype)) * r).to(x.dtype)
    return params.weight * h + params.bias, (h, r.to(x.dtype))


def _by_bwd(params: BatchNorm, cache: tuple[Tensor, Tensor], dy: Tensor) -> tuple[Tensor, BatchNorm]:
    h, r = cache
    check_cotangent(h, dy)
    n = h.shape[-1]
    return params.weight * r * dy, BatchNorm((dy * h).reshape(-1, n).sum(0), dy.reshape(-1, n).sum(0))


def _by_jvp(params: BatchNorm, cache: tuple[Tensor, Tensor], dparams: BatchNorm, dx: Tensor) -> Tensor:
    h, r = cache
    check_tangent(h, dx)
    return dparams.weight * h + params.weight * r * dx + dparams.bias


def _by_bwd_jvp(
    params: BatchNorm, cache: tuple[Tensor, Tensor], dy: Tensor, dparams: BatchNorm, dx: Tensor
) -> tuple[Tensor, BatchNorm]:
    h, r = cache
    dw = (dy * r * dx).reshape(-1, h.shape[-1]).sum(0)
    return dparams.weight * r * dy, BatchNorm(dw, torch.zeros_like(params.bias))
