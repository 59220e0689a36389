"""Cross-entropy from logits: soft argmax and negative log-likelihood as one function."""

from __future__ import annotations

from math import inf, prod
from numbers import Real

import torch
from torch import Tensor

from pure_mlp.kernels import wide
from pure_mlp.losses.curvature import curved
from pure_mlp.losses.mass import Mass, weighed
from pure_mlp.losses.reduction import Reduction, scale
from pure_mlp.nodes import is_tensor
from pure_mlp.shapes import spec

__all__ = ["cross_entropy"]


def _mass(y: Tensor, reduction: Reduction = "mean", *, weight: Tensor | None = None, ignore_index: int = -100, **_: object) -> Mass:
    """The rows that count, or the weights of their labels."""
    lead = y.shape[:-1] if y.is_floating_point() else y.shape
    if y.is_floating_point():
        rows: Tensor | int = prod(lead)
    else:
        kept = y != ignore_index
        rows = kept.sum() if weight is None else (wide(weight)[torch.where(kept, y, 0)] * kept).sum()
    return {"mean": rows, "batchmean": lead[0] if lead else 1}.get(reduction, 1), rows


def _curvature(
    y: Tensor,
    z: Tensor,
    v: Tensor,
    reduction: Reduction = "mean",
    *,
    label_smoothing: float = 0.0,
    weight: Tensor | None = None,
    ignore_index: int = -100,
) -> Tensor:
    """c (sum_j t_nj) (p_nk v_nk - p_nk sum_j p_nj v_nj)."""
    p, w = torch.softmax(_finite(z), -1), z.new_ones(z.shape[-1]) if weight is None else weight
    if y.is_floating_point():
        kept, own = torch.ones_like(z[..., 0], dtype=torch.bool), (y * w).sum(-1)
    else:
        kept = y != ignore_index
        own = w[torch.where(kept, y, 0)]
    targets = (1 - label_smoothing) * own + label_smoothing * w.mean()
    counted, _ = _mass(y, reduction, weight=weight, ignore_index=ignore_index)
    moved = p * v
    moved = moved - p * moved.sum(-1, keepdim=True)
    return torch.where(kept.unsqueeze(-1), moved * (targets / counted).unsqueeze(-1), 0.0)


@curved(_curvature)
@weighed(_mass)
def cross_entropy(
    y: Tensor,
    z: Tensor,
    reduction: Reduction = "mean",
    *,
    label_smoothing: float = 0.0,
    weight: Tensor | None = None,
    ignore_index: int = -100,
) -> tuple[Tensor, Tensor]:
    """J = -c sum_n sum_k t_nk log p_nk and dJ/dz_nk = c (p_nk sum_j t_nj - t_nk), with p = softmax(z) over the last dimension.

    z (*, K) are logits. y is either (*) of int64 class indices or (*, K) of probabilities in z's dtype. The targets t_nk are
    w_k ((1 - e) q_nk + e / K), where q is y or its one-hot code, e the label smoothing, w the weight (K,) of the classes or 1;
    t_n = 0 where y_n is `ignore_index`. c is 1 for sum and none (J is then one number a row), 1/batch for batchmean; for mean it is
    1/rows, or 1/(sum of the weights of the rows' labels, the ignored ones left out) for indices, as in torch. The mean over nothing
    but ignored rows is NaN, its gradient 0. Exact at any logit: log p comes from log-sum-exp, a logit of -inf is an impossible
    class, one of inf a sure class (several share the row, as several equal ones do).

    Args:
        y: labels, int64 (*) or probabilities (*, K).
        z: logits (*, K).
        reduction: mean, sum, batchmean, or none for one number a row.
        label_smoothing: e, from 0 to 1.
        weight: w (K,) in z's dtype.
        ignore_index: the label of rows that do not count.

    Returns:
        J and dJ/dz.

    Raises:
        ValueError: shapes, dtypes, class indices or the smoothing do not fit.

    >>> cross_entropy(torch.tensor([0]), torch.tensor([[0.0, 1e4]]))
    (tensor(10000.), tensor([[-1.,  1.]]))
    """
    indices = _by_index(y, z, ignore_index)
    _check(y, z, indices, label_smoothing, weight)
    kept = y != ignore_index if indices else torch.ones_like(z[..., 0], dtype=torch.bool)
    q = _one_hot(torch.where(kept, y, 0), z) if indices else y
    t = (1 - label_smoothing) * q + label_smoothing / z.shape[-1] if label_smoothing else q
    t = (t if weight is None else t * weight) * kept.unsqueeze(-1)

    log_p = torch.log_softmax(_finite(z), -1)
    rows = -torch.where(t == 0, t, t * log_p).sum(-1)
    dz = log_p.exp() * t.sum(-1, keepdim=True) - t
    if reduction == "mean":
        mass = (wide(q if weight is None else q * weight).sum(-1) * kept).sum() if indices else rows.numel()
        J, dz = (wide(rows).sum() / mass).to(z.dtype), dz / mass
    else:
        c = scale("cross_entropy", rows, reduction)
        J, dz = rows if reduction == "none" else (wide(rows).sum() * c).to(z.dtype), dz * c
    return J, torch.where(kept.unsqueeze(-1), dz, 0.0)


def _finite(z: Tensor) -> Tensor:
    """The logits, but in a row with inf, which is sure, 0 there and -inf elsewhere: the same probabilities without inf - inf."""
    sure = torch.where(z == inf, 0.0, z - inf)
    return torch.where(z.amax(-1, keepdim=True) == inf, sure, z)


def _one_hot(y: Tensor, z: Tensor) -> Tensor:
    try:
        return torch.zeros_like(z).scatter(-1, y.unsqueeze(-1), 1.0)
    except RuntimeError as error:
        raise ValueError(f"cross_entropy: classes from {y.min()} to {y.max()}, z {spec(z)} has 0 to {z.shape[-1] - 1}") from error


def _by_index(y: Tensor, z: Tensor, ignore_index: int) -> bool:
    """Whether the labels are indices. Raises `ValueError` for what is no tensor, and no index."""
    if not (is_tensor(y) and is_tensor(z)):
        raise ValueError(f"cross_entropy: y {spec(y)}, z {spec(z)}, expected tensors")
    if not hasattr(ignore_index, "__index__"):
        raise ValueError(f"cross_entropy: ignore_index {spec(ignore_index)}, expected a whole number")
    return not y.is_floating_point()


def _check(y: Tensor, z: Tensor, indices: bool, label_smoothing: float, weight: Tensor | None) -> None:
    fits = y.shape == z.shape[:-1] and y.dtype == torch.int64 if indices else y.shape == z.shape and y.dtype == z.dtype
    if z.dim() == 0 or not fits or not z.is_floating_point():
        raise ValueError(
            f"cross_entropy: y {spec(y)}, z {spec(z)}; expected indices {tuple(z.shape[:-1])} int64, or probabilities like z"
        )
    smoothing: object = label_smoothing
    if not isinstance(smoothing, Real) or not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing {label_smoothing}, expected 0 to 1")
    if weight is not None and (not is_tensor(weight) or weight.shape != z.shape[-1:] or weight.dtype != z.dtype):
        raise ValueError(f"cross_entropy: weight {spec(weight)}, expected {tuple(z.shape[-1:])} as the classes of z {spec(z)}")
