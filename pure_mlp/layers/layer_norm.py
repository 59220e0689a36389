"""Layer normalization (Ba, Kiros and Hinton, arXiv:1607.06450)."""

from __future__ import annotations

from functools import partial

import attrs
import torch
from torch import Tensor

from pure_mlp.kernels import wide
from pure_mlp.layer import Layer
from pure_mlp.layers.means import check_vectors, row_mean
from pure_mlp.record import record
from pure_mlp.shapes import check_cotangent, check_number, check_tangent

__all__ = ["LayerNorm", "layer_norm"]


@record
@attrs.frozen(eq=False)
class LayerNorm:
    """Parameters of layer normalization: weight (n,) and bias (n,), as in `torch.nn.LayerNorm`.

    >>> LayerNorm(weight=torch.ones(2), bias=torch.zeros(2)).bias
    tensor([0., 0.])
    """

    weight: Tensor
    bias: Tensor


def layer_norm(eps: float = 1e-5) -> Layer[LayerNorm, tuple[Tensor, Tensor]]:
    """y = w h + b, h = (x - m) r, r = 1 / sqrt(v + eps), with m and v the mean and variance of x over the last dimension.

    With u = w dy: dx = r (u - mean(u) - h mean(u h)), dw = sum of dy h and db = sum of dy over the rows. The cache is (h, r).
    A row of equal numbers gives y = b. Mean and variance are computed in float32 where x is half precision.

    Args:
        eps: added to the variance, in [0, 1]: the width is in the params.

    Returns:
        The layer, for x and dy (*, n); its params are drawn by `init` as weight 1 and bias 0.

    Raises:
        ValueError: eps is not in [0, 1], the weight is not (n,) in the dtype of x, or dy has not the shape of y.

    >>> layer, params = layer_norm(), LayerNorm(torch.ones(2), torch.zeros(2))
    >>> layer.fwd(params, torch.tensor([[1.0, 3.0]]))[0]
    tensor([[-1.0000,  1.0000]])
    """
    check_number("layer_norm", "eps", eps, most=1)
    return Layer(partial(_layer_norm_fwd, eps), _layer_norm_bwd, _layer_norm_jvp, _layer_norm_bwd_jvp)


def _layer_norm_fwd(eps: float, params: LayerNorm, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    check_vectors(LayerNorm, params, x)
    z = wide(x)
    d = z - row_mean(z)
    r = torch.rsqrt(row_mean(d * d) + eps)
    h = (d * r).to(x.dtype)
    return params.weight * h + params.bias, (h, r.to(x.dtype))


def _layer_norm_bwd(params: LayerNorm, cache: tuple[Tensor, Tensor], dy: Tensor) -> tuple[Tensor, LayerNorm]:
    h, r = cache
    check_cotangent(h, dy)
    u = params.weight * dy
    n = h.shape[-1]
    grads = LayerNorm((dy * h).reshape(-1, n).sum(0), dy.reshape(-1, n).sum(0))
    return r * (u - row_mean(u) - h * row_mean(u * h)), grads


def _layer_norm_jvp(params: LayerNorm, cache: tuple[Tensor, Tensor], dparams: LayerNorm, dx: Tensor) -> Tensor:
    h, r = cache
    check_tangent(h, dx)
    dh = r * (dx - row_mean(dx) - h * row_mean(h * dx))
    return dparams.weight * h + params.weight * dh + dparams.bias


def _layer_norm_bwd_jvp(
    params: LayerNorm, cache: tuple[Tensor, Tensor], dy: Tensor, dparams: LayerNorm, dx: Tensor
) -> tuple[Tensor, LayerNorm]:
    """With u and h as in `bwd`, V the tangent of w, dh = r (dx - mean(dx) - h mean(h dx)), dr = -r^2 mean(h dx)."""
    h, r = cache
    u, du = params.weight * dy, dparams.weight * dy
    dh, dr = r * (dx - row_mean(dx) - h * row_mean(h * dx)), -r * r * row_mean(h * dx)
    moved = r * (du - row_mean(du) - dh * row_mean(u * h) - h * row_mean(du * h + u * dh))
    n = h.shape[-1]
    grads = LayerNorm((dy * dh).reshape(-1, n).sum(0), torch.zeros_like(params.bias))
    return dr * (u - row_mean(u) - h * row_mean(u * h)) + moved, grads
