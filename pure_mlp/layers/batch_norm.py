"""Batch normalization (Ioffe and Szegedy, arXiv:1502.03167)."""

from __future__ import annotations

from functools import partial
from math import prod

import attrs
import torch
from torch import Tensor

from pure_mlp.kernels import wide
from pure_mlp.layer import Layer
from pure_mlp.layers.means import check_vectors
from pure_mlp.record import record
from pure_mlp.shapes import check_cotangent, check_number, check_tangent

__all__ = ["BatchNorm", "Normalized", "batch_norm"]


@record
@attrs.frozen(eq=False)
class BatchNorm:
    """Parameters of batch normalization: weight (n,) and bias (n,), as in `torch.nn.BatchNorm1d`.

    >>> BatchNorm(weight=torch.ones(2), bias=torch.zeros(2)).bias
    tensor([0., 0.])
    """

    weight: Tensor
    bias: Tensor


@record
@attrs.frozen(eq=False)
class Normalized:
    """The cache of `batch_norm`: h (*, n), and r, mean and standard deviation (n,) of the batch, for `running_statistics`.

    The deviation has the range of x; its square, the variance, would overflow in half precision.
    """

    h: Tensor
    r: Tensor
    mean: Tensor
    deviation: Tensor


def batch_norm(eps: float = 1e-5) -> Layer[BatchNorm, Normalized]:
    """y = w h + b, h = (x - m) r, r = 1 / sqrt(v + eps), with m and v the mean and variance of each column over the N rows.

    dw = sum of dy h and db = sum of dy over the rows; dx = w r (dy - (db + h dw) / N). The cache is (h, r, m, sqrt v): a net
    that is trained with `running_statistics` of it is evaluated by `evaluated(net, statistics)`; nothing is kept by the layer.
    v is divided by N; m and v are computed in float32 where x is half precision. For a batch of one row y = b and dx = 0.

    Args:
        eps: added to the variance, in [0, 1]: the width is in the params.

    Returns:
        The layer, for x and dy (*, n), whose rows are all that lies before the last dimension; its params are drawn by `init` as
        weight 1 and bias 0.

    Raises:
        ValueError: eps is not in [0, 1], the weight is not (n,) in the dtype of x, or dy has not the shape of y.

    >>> layer, params = batch_norm(), BatchNorm(torch.ones(1), torch.zeros(1))
    >>> layer.fwd(params, torch.tensor([[1.0], [3.0]]))[0].flatten()
    tensor([-1.0000,  1.0000])
    """
    check_number("batch_norm", "eps", eps, most=1)
    return Layer(partial(_batch_norm_fwd, eps), _batch_norm_bwd, _batch_norm_jvp, _batch_norm_bwd_jvp)


def _batch_norm_fwd(eps: float, params: BatchNorm, x: Tensor) -> tuple[Tensor, Normalized]:
    check_vectors(BatchNorm, params, x)
    z = wide(x)
    mean = _column_mean(z)
    d = z - mean
    variance = _column_mean(d * d)
    r = torch.rsqrt(variance + eps)
    h = (d * r).to(x.dtype)
    return params.weight * h + params.bias, Normalized(h, *(t.to(x.dtype) for t in (r, mean, variance.sqrt())))


def _batch_norm_bwd(params: BatchNorm, cache: Normalized, dy: Tensor) -> tuple[Tensor, BatchNorm]:
    h, n = cache.h, cache.h.shape[-1]
    check_cotangent(h, dy)
    dw, db = (wide(t).reshape(-1, n).sum(0) for t in (dy * h, dy))
    mean = ((db + h * dw) / prod(h.shape[:-1])).to(h.dtype)
    return params.weight * cache.r * (dy - mean), BatchNorm(dw.to(h.dtype), db.to(h.dtype))


def _batch_norm_jvp(params: BatchNorm, cache: Normalized, dparams: BatchNorm, dx: Tensor) -> Tensor:
    h = cache.h
    check_tangent(h, dx)
    dh = cache.r * (dx - _column_mean(dx) - h * _column_mean(h * dx))
    return dparams.weight * h + params.weight * dh + dparams.bias


def _batch_norm_bwd_jvp(
    params: BatchNorm, cache: Normalized, dy: Tensor, dparams: BatchNorm, dx: Tensor
) -> tuple[Tensor, BatchNorm]:
    """With V the tangent of w, s = dy - mean(dy) - h mean(dy h), dh as in `jvp`, dr = -r^2 mean(h dx)."""
    h, r, w, n = cache.h, cache.r, params.weight, cache.h.shape[-1]
    dh, dr = r * (dx - _column_mean(dx) - h * _column_mean(h * dx)), -r * r * _column_mean(h * dx)
    s = dy - _column_mean(dy) - h * _column_mean(dy * h)
    bent = (dr * w + r * dparams.weight) * s - r * w * (dh * _column_mean(dy * h) + h * _column_mean(dy * dh))
    return bent, BatchNorm((dy * dh).reshape(-1, n).sum(0), torch.zeros_like(params.bias))


def _column_mean(x: Tensor) -> Tensor:
    return (wide(x).reshape(-1, x.shape[-1]).sum(0) / prod(x.shape[:-1])).to(x.dtype)
