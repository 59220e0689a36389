"""Means that keep their digits: what the norms share."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from pure_mlp.kernels import wide
from pure_mlp.nodes import FIELDS
from pure_mlp.shapes import spec

__all__ = ["check_vectors", "row_mean"]


def check_vectors(kind: type, params: object, x: Tensor) -> None:
    """Raises `ValueError` unless params are a record of this class, its tensors (n,) in the dtype of x (*, n).

    >>> import torch
    >>> from pure_mlp import RMSNorm
    >>> check_vectors(RMSNorm, RMSNorm(torch.ones(2)), torch.ones(5, 2))
    """
    given: list[Any] = [getattr(params, name, None) for name in FIELDS[kind]]
    try:
        fit = x.dim() > 0 and all(t.shape == x.shape[-1:] and t.dtype == x.dtype for t in given)
    except AttributeError:
        fit = False
    if not fit:
        if not isinstance(params, kind):
            raise ValueError(f"params: {spec(params)}, expected {kind.__name__}")
        raise ValueError(", ".join([f"input {spec(x)}", *(f"{name} {spec(t)}" for name, t in zip(FIELDS[kind], given))]))


def row_mean(x: Tensor) -> Tensor:
    """sum_k x_k / n over the last dimension, which stays as one of length 1; in half precision the sum is float32.

    >>> import torch
    >>> row_mean(torch.tensor([[1.0, 3.0]]))
    tensor([[2.]])
    """
    return (wide(x).sum(-1, keepdim=True) / x.shape[-1]).to(x.dtype)
