"""Root mean square layer normalization (Zhang and Sennrich, arXiv:1910.07467)."""

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

__all__ = ["RMSNorm", "rms_norm"]


@record
@attrs.frozen(eq=False)
class RMSNorm:
    """Parameters of root mean square normalization: weight (n,), as in `torch.nn.RMSNorm`.

    >>> RMSNorm(weight=torch.ones(2)).weight
    tensor([1., 1.])
    """

    weight: Tensor


def rms_norm(eps: float = 1e-5) -> Layer[RMSNorm, tuple[Tensor, Tensor]]:
    """y = w h, h = x r, r = 1 / sqrt(mean(x^2) + eps), the mean over the last dimension (equation (4), where eps is 0).

    With u = w dy: dx = r (u - h mean(u h)) and dw = sum of dy h over the rows. The cache is (h, r). A row of zeros gives y = 0
    where eps is above 0. The mean is taken in float32 where x is half precision.

    Args:
        eps: added to the mean square, in [0, 1]: the width is in the params.

    Returns:
        The layer, for x and dy (*, n); its params are drawn by `init` as weight 1.

    Raises:
        ValueError: eps is not in [0, 1], the weight is not (n,) in the dtype of x, or dy has not the shape of y.

    >>> rms_norm().fwd(RMSNorm(torch.ones(2)), torch.tensor([[3.0, 3.0]]))[0]
    tensor([[1.0000, 1.0000]])
    """
    check_number("rms_norm", "eps", eps, most=1)
    return Layer(partial(_rms_norm_fwd, eps), _rms_norm_bwd, _rms_norm_jvp, _rms_norm_bwd_jvp)


def _rms_norm_fwd(eps: float, params: RMSNorm, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    check_vectors(RMSNorm, params, x)
    z = wide(x)
    r = torch.rsqrt(row_mean(z * z) + eps)
    h = (z * r).to(x.dtype)
    return params.weight * h, (h, r.to(x.dtype))


def _rms_norm_bwd(params: RMSNorm, cache: tuple[Tensor, Tensor], dy: Tensor) -> tuple[Tensor, RMSNorm]:
    h, r = cache
    check_cotangent(h, dy)
    u = params.weight * dy
    return r * (u - h * row_mean(u * h)), RMSNorm((dy * h).reshape(-1, h.shape[-1]).sum(0))


def _rms_norm_jvp(params: RMSNorm, cache: tuple[Tensor, Tensor], dparams: RMSNorm, dx: Tensor) -> Tensor:
    h, r = cache
    check_tangent(h, dx)
    return dparams.weight * h + params.weight * r * (dx - h * row_mean(h * dx))


def _rms_norm_bwd_jvp(
    params: RMSNorm, cache: tuple[Tensor, Tensor], dy: Tensor, dparams: RMSNorm, dx: Tensor
) -> tuple[Tensor, RMSNorm]:
    """With u and h as in `bwd`, V the tangent of w, du = V dy, dh = r (dx - h mean(h dx)), dr = -r^2 mean(h dx)."""
    h, r = cache
    u, du = params.weight * dy, dparams.weight * dy
    dh, dr = r * (dx - h * row_mean(h * dx)), -r * r * row_mean(h * dx)
    moved = r * (du - dh * row_mean(u * h) - h * row_mean(du * h + u * dh))
    return dr * (u - h * row_mean(u * h)) + moved, RMSNorm((dy * dh).reshape(-1, h.shape[-1]).sum(0))
