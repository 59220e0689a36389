"""Scaled dot-product attention (Vaswani et al., arXiv:1706.03762)."""

from __future__ import annotations

from functools import partial
from math import inf

import torch
from torch import Tensor

from pure_mlp.kernels import wide
from pure_mlp.layer import Layer
from pure_mlp.layers.softmax import softmax_bwd, softmax_jvp
from pure_mlp.shapes import check_cotangent, check_tangent, spec

__all__ = ["attention"]


def attention(heads: int = 1, causal: bool = False) -> Layer[tuple[()], Tensor]:
    """y = P v, P = softmax(q k^T / sqrt(d)) along its rows, q, k, v the thirds of x: x (*, T, 3n) -> y (*, T, n), T places.

    Each of them is cut into `heads` of d = n / heads numbers, which attend apart and are joined again. With a linear layer to 3n
    below, which holds W_q, W_k and W_v, and one from n above, it is the multi-head attention of `torch.nn`, whose weights lie in
    this order: `serial(linear, attention(heads), linear)`. So there are no params here, and what is known of linear layers holds.

    With dS = P (dP - sum(dP P)), dP = dy v^T: dq = dS k / sqrt(d), dk = dS^T q / sqrt(d), dv = P^T dy. The cache is x itself: P,
    T^2 numbers a head, is computed again. Scores of half precision are float32.

    Args:
        heads: at least 1.
        causal: whether a place sees itself and those before it alone: P is 0 above its diagonal.

    Returns:
        The layer.

    Raises:
        ValueError: heads is no whole number from 1, x has no places or is not 3 heads d wide, or dy has not the shape of y.

    >>> x = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 4.0]])
    >>> attention().fwd((), x)[0]
    tensor([[3.],
            [3.]])
    >>> attention(causal=True).fwd((), x)[0]
    tensor([[2.],
            [3.]])
    """
    if not (hasattr(heads, "__index__") and heads >= 1):
        raise ValueError(f"attention: heads {heads}, expected a whole number >= 1")
    causal = bool(causal)
    fwd, bwd = partial(_attention_fwd, heads, causal), partial(_attention_bwd, heads, causal)
    return Layer(fwd, bwd, partial(_attention_jvp, heads, causal), partial(_attention_bwd_jvp, heads, causal))


def _apart(heads: int, t: Tensor) -> Tensor:
    """(*, T, n) -> (*, heads, T, d)."""
    return t.reshape(*t.shape[:-1], heads, t.shape[-1] // heads).transpose(-3, -2)


def _together(t: Tensor) -> Tensor:
    return t.transpose(-3, -2).flatten(-2)


def _parts(heads: int, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """q / sqrt(d), k and v, (*, heads, T, d): linear in x."""
    n = x.shape[-1] // 3
    q, k, v = (_apart(heads, t) for t in (x[..., :n], x[..., n : 2 * n], x[..., 2 * n :]))
    return q / q.shape[-1] ** 0.5, k, v


def _all(q: Tensor, k: Tensor) -> Tensor:
    """P."""
    return torch.softmax(wide(q) @ wide(k).mT, -1).to(q.dtype)


def _causal(q: Tensor, k: Tensor) -> Tensor:
    """P where a place sees none that come after it."""
    places = torch.arange(q.shape[-2], device=q.device)
    scores = torch.where(places.unsqueeze(1) < places, -inf, wide(q) @ wide(k).mT)
    return torch.softmax(scores, -1).to(q.dtype)


_WEIGHTS = {False: _all, True: _causal}


def _transposed(dq: Tensor, dk: Tensor, dv: Tensor) -> Tensor:
    """dx: the transpose of `_parts`."""
    return torch.cat([_together(t) for t in (dq / dq.shape[-1] ** 0.5, dk, dv)], -1)


def _attention_fwd(heads: int, causal: bool, params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
    if x.dim() < 2 or x.shape[-1] == 0 or x.shape[-1] % (3 * heads):
        raise ValueError(f"input {spec(x)}, expected (*, T, 3n) with n a multiple of {heads}: queries, keys and values at T places")
    q, k, v = _parts(heads, x)
    return _together(_WEIGHTS[causal](q, k) @ v), x


def _attention_bwd(heads: int, causal: bool, params: tuple[()], x: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    check_cotangent(x[..., : x.shape[-1] // 3], dy)
    (q, k, v), u = _parts(heads, x), _apart(heads, dy)
    p = _WEIGHTS[causal](q, k)
    ds, _ = softmax_bwd((), p, u @ v.mT)
    return _transposed(ds @ k, ds.mT @ q, p.mT @ u), ()


def _attention_jvp(heads: int, causal: bool, params: tuple[()], x: Tensor, dparams: tuple[()], dx: Tensor) -> Tensor:
    check_tangent(x, dx)
    (q, k, v), (dq, dk, dv) = _parts(heads, x), _parts(heads, dx)
    p = _WEIGHTS[causal](q, k)
    dp = softmax_jvp((), p, (), dq @ k.mT + q @ dk.mT)
    return _together(dp @ v + p @ dv)


def _attention_bwd_jvp(
    heads: int, causal: bool, params: tuple[()], x: Tensor, dy: Tensor, dparams: tuple[()], dx: Tensor
) -> tuple[Tensor, tuple[()]]:
    """Each product of `bwd` by the product rule; u is held, and g = u v^T moves by u dv^T."""
    (q, k, v), (dq, dk, dv), u = _parts(heads, x), _parts(heads, dx), _apart(heads, dy)
    p, g, dg = _WEIGHTS[causal](q, k), u @ v.mT, u @ dv.mT
    dp = softmax_jvp((), p, (), dq @ k.mT + q @ dk.mT)
    s, _ = softmax_bwd((), p, g)
    ds = dp * (g - (g * p).sum(-1, keepdim=True)) + p * (dg - (dg * p + g * dp).sum(-1, keepdim=True))
    return _transposed(ds @ k + s @ dk, ds.mT @ q + s.mT @ dq, dp.mT @ u), ()
