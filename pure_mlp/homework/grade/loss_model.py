"""What a file's losses compute for a case: the right formulas, with any set of mistakes applied to them."""

from __future__ import annotations

from functools import lru_cache
from math import log

import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import LossCase

Mistakes = frozenset[str]


@lru_cache(maxsize=1 << 14)
def loss_model(loss: str, quantity: str, case: LossCase, mistakes: Mistakes = frozenset()) -> Tensor:
    """J, 0-dim, or dJdy_hat, of the shape of y_hat, as `quantity` says, of the loss `mse` or `bce`.

    >>> case = LossCase(torch.zeros(1, 2), torch.ones(1, 2))
    >>> loss_model("mse", "J", case), loss_model("mse", "J", case, frozenset({"sum"}))
    (tensor(1.), tensor(2.))
    """
    y, y_hat = (case.y_hat, case.y) if "swap" in mistakes else (case.y, case.y_hat)
    y = (y == 1).to(y.dtype) if "hard labels" in mistakes else y.round() if "labels rounded" in mistakes else y
    y = torch.zeros_like(y) if "no label" in mistakes else y
    y_hat = y_hat.sigmoid() if "sigmoid inside" in mistakes else y_hat
    if loss == "mse":
        elements = (_squared if quantity == "J" else _squared_slope)(y_hat - y, mistakes)
    else:
        elements = (_bce if quantity == "J" else _bce_slope)(y, y_hat, mistakes)
        elements = elements / next((log(base) for base in (2, 10) if f"log{base}" in mistakes), 1.0)
    n, k = y.shape
    over = {"sum": 1, "per batch": n, "per features": k, "double mean": (n * k) ** 2}
    divisor = next((over[name] for name in over if name in mistakes), n * k)
    sign = -1 if "sign" in mistakes else 1
    if quantity != "J":
        return sign / divisor * elements
    total = elements.sum() ** (2 if "squared sum" in mistakes else 1)
    total = total / (1 if {"norm", "norm of squares"} & mistakes else divisor)
    return sign * (total.sqrt() if {"root of the mean", "norm", "norm of squares"} & mistakes else total)


def _squared(d: Tensor, mistakes: Mistakes) -> Tensor:
    plain = bool({"not squared", "squared sum"} & mistakes)
    elements = (d.abs() if "absolute" in mistakes else d if plain else d * d) * (0.5 if "half" in mistakes else 1)
    return elements**2 if "norm of squares" in mistakes else elements


def _squared_slope(d: Tensor, mistakes: Mistakes) -> Tensor:
    elements = d.sign() if "absolute" in mistakes else d * d if "of the squares" in mistakes else 2 * d
    if "root of the mean" in mistakes:
        elements = d / (d * d).mean().sqrt()
    return 0.5 * elements if "no factor 2" in mistakes else elements


def _soft(mistakes: Mistakes) -> tuple[str, float]:
    """How an epsilon comes in, and which; or nothing."""
    return next(((m.split()[1], float(m.split()[2])) for m in mistakes if m.startswith("epsilon")), ("", 0.0))


def _bce(y: Tensor, y_hat: Tensor, mistakes: Mistakes) -> Tensor:
    way, e = _soft(mistakes)
    p = y_hat.clamp(e, 1 - e) if way == "clamped" else y_hat + e
    q = 1 + p if "1 + y_hat" in mistakes else 1 - y_hat + e if way == "added" else 1 - p
    bound = -torch.inf if way or "not clamped" in mistakes else -100.0
    y = y_hat if "handout" in mistakes else y
    first, second = y * p.log().clamp(min=bound), (1 - y) * q.log().clamp(min=bound)
    return -(first + (0 if "one term" in mistakes else -second if "inner sign" in mistakes else second))


def _bce_slope(y: Tensor, y_hat: Tensor, mistakes: Mistakes) -> Tensor:
    way, e = _soft(mistakes)
    p = y_hat.clamp(e, 1 - e) if way == "clamped" else y_hat + e if way == "shifted" else y_hat
    if "from logits" in mistakes:
        return y_hat - y
    if "times the slope" in mistakes:
        return (p - y) * (1 - p) * p
    if {"one term", "inner sign"} & mistakes:
        added, least = e if way == "added" else 0.0, 0.0 if way or "not clamped" in mistakes else 1e-12
        first, second = -y / (p + added).clamp(min=least), (1 - y) / (1 - p + added).clamp(min=least)
        return first if "one term" in mistakes else first - second
    denominator = p if "log of the gradient" in mistakes else (1 - p) * p
    if way == "added":
        denominator = denominator + e
    return (p - y) / (denominator if way or "not clamped" in mistakes else denominator.clamp(min=1e-12))
