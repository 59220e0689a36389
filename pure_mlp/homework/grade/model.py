"""What a file computes for a case: the right formulas, with any set of mistakes applied to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Generator, Tensor

from pure_mlp.homework.grade.cases import LossCase, NetCase

Mistakes = frozenset[str]
Cache = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


@cache
def net_model(case: NetCase, mistakes: Mistakes = frozenset()) -> Mapping[str, Tensor]:
    """y and the grads of the first pass; those of a second one on top (`twice`); those with new parameters (`new`). Computed once.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> case = net_cases()[0]
    >>> right, wrong = net_model(case), net_model(case, frozenset({"sign in backward"}))
    >>> torch.equal(right["y"], wrong["y"]), torch.equal(right["dJdW1"], -wrong["dJdW1"])
    (True, True)
    """
    t = case.tensors
    first = [t[name] for name in ("W1", "b1", "W2", "b2")]
    new = [t[f"new {name}"] for name in ("W1", "b1", "W2", "b2")]
    if "parameters copied" in mistakes:
        first = new = drawn(case)
    cache = _forward(first, t["x"], case, mistakes)
    again = _forward(first, t["x'"], case, mistakes)
    renewed = _forward(new, t["x"], case, mistakes)
    grads = _backward(first, cache, t["dJ"], case, mistakes)
    second = _backward(first, cache if "stale cache" in mistakes else again, t["dJ'"], case, mistakes)
    out = {"y": cache[4], "y twice": again[4], "y new": renewed[4]} | grads
    out |= {f"{name} twice": g if "overwriting" in mistakes else g + grads[name] for name, g in second.items()}
    return out | {f"{name} new": g for name, g in _backward(new, renewed, t["dJ"], case, mistakes).items()}


def drawn(case: NetCase) -> list[Tensor]:
    """The parameters W1 (h, n), b1 (h), W2 (k, h), b2 (k) that a seeded net starts with: four bare `torch.randn` calls.

    >>> [tuple(p.shape) for p in drawn(NetCase(0, "relu", "identity", (3, 5, 2), {}))]
    [(5, 3), (5,), (2, 5), (2,)]
    """
    generator = Generator().manual_seed(case.seed)
    n, h, k = case.widths
    return [torch.randn(*shape, generator=generator) for shape in ((h, n), (h,), (k, h), (k,))]


def _activation(name: str, z: Tensor) -> Tensor:
    return {"relu": torch.relu, "sigmoid": torch.sigmoid, "identity": torch.clone}[name](z)


def _forward(p: list[Tensor], x: Tensor, case: NetCase, mistakes: Mistakes) -> Cache:
    z1 = x @ p[0].t() + (0 if "no b1" in mistakes else p[1])
    z2 = z1 if "f not applied" in mistakes else _activation(case.f, z1)
    z3 = z2 @ p[2].t() + (0 if "no b2" in mistakes else p[3])
    return x, z1, z2, z3, z3 if "g not applied" in mistakes else _activation(case.g, z3)


def _slope(which: str, name: str, z: Tensor, a: Tensor, mistakes: Mistakes) -> Tensor:
    if name == "identity":
        return torch.ones_like(z)
    if name == "relu":
        if "relu slope 1" in mistakes:
            return torch.ones_like(z)
        return (z >= 0 if {f"{which} slope 1 at 0", "slope 1 at 0"} & mistakes else z > 0).to(z.dtype)
    again, z_itself = ({f"{which} slope from {side}", f"slope from {side}"} & mistakes for side in ("output", "input"))
    s = torch.sigmoid(a) if again else z if z_itself else a
    return s * (1 - s)


def _backward(p: list[Tensor], cache: Cache, dJ: Tensor, case: NetCase, mistakes: Mistakes) -> dict[str, Tensor]:
    x, z1, z2, z3, y_hat = cache
    of_g, of_f = {"f slope of g", "slopes swapped"}, {"g slope of f", "slopes swapped"}
    at_z = {f"{name} at z" for name in of_g | of_f} & mistakes
    mistakes |= {name.removesuffix(" at z") for name in at_z}
    f, g = case.g if of_g & mistakes else case.f, case.f if of_f & mistakes else case.g
    slope_f = _slope("f", f, z1, _activation(f, z1) if at_z else z2, mistakes)
    slope_g = _slope("g", g, z3, _activation(g, z3) if at_z else y_hat, mistakes)
    d3 = dJ if {"g slope missing", "slope missing"} & mistakes else dJ * slope_g
    square = p[2].shape[0] == p[2].shape[1]
    d2 = (dJ if "g slope missing below" in mistakes else d3) @ (p[2].t() if square and "W2 not transposed" in mistakes else p[2])
    d1 = d2 if {"f slope missing", "slope missing"} & mistakes else d2 * slope_f
    of_b1 = d1 * slope_f if "b1 of the handout" in mistakes else d2 if "b1 without f slope" in mistakes else d1
    W1, W2 = d1.t() @ x, d3.t() @ (z1 if "W2 from z1" in mistakes else z2)
    b1, b2 = of_b1.sum(0), (dJ if "b2 without g slope" in mistakes else d3).sum(0)
    W1, W2 = W1.t() if "W1 transposed" in mistakes else W1, W2.t() if "W2 transposed" in mistakes else W2
    c = (-1 if "sign in backward" in mistakes else 1) / (len(x) if "mean in backward" in mistakes else 1)
    c_bias = c / (len(x) if "mean of biases" in mistakes else 1)
    return {"dJdW1": c * W1, "dJdb1": c_bias * b1, "dJdW2": c * W2, "dJdb2": c_bias * b2}


@cache
def loss_model(loss: str, quantity: str, case: LossCase, mistakes: Mistakes = frozenset()) -> Tensor:
    """J, 0-dim, or dJdy_hat, of the shape of y_hat, as `quantity` says, of the loss `mse` or `bce`.

    >>> case = LossCase(torch.zeros(1, 2), torch.ones(1, 2))
    >>> loss_model("mse", "J", case), loss_model("mse", "J", case, frozenset({"sum"}))
    (tensor(1.), tensor(2.))
    """
    y, y_hat = (case.y_hat, case.y) if "swap" in mistakes else (case.y, case.y_hat)
    if loss == "mse":
        d = y_hat - y
        elements = (d * d if quantity == "J" else 2 * d) * (0.5 if "half" in mistakes else 1)
    else:
        elements = (_bce if quantity == "J" else _bce_slope)(y, y_hat, mistakes)
    n, k = y.shape
    over = {"sum": 1, "per batch": n, "per features": k, "double mean": (n * k) ** 2}
    c = (-1 if "sign" in mistakes else 1) / next((over[name] for name in over if name in mistakes), n * k)
    return c * (elements.sum() if quantity == "J" else elements)


def _soft(mistakes: Mistakes) -> tuple[str, float]:
    """How an epsilon comes in, and which; or nothing."""
    return next(((m.split()[1], float(m.split()[2])) for m in mistakes if m.startswith("epsilon")), ("", 0.0))


def _bce(y: Tensor, y_hat: Tensor, mistakes: Mistakes) -> Tensor:
    way, e = _soft(mistakes)
    p = y_hat.clamp(e, 1 - e) if way == "clamped" else y_hat + e
    q = 1 - p if way == "clamped" else 1 - y_hat + e
    bound = -torch.inf if way or "not clamped" in mistakes else -100.0
    y = y_hat if "handout" in mistakes else y
    return -(y * p.log().clamp(min=bound) + (0 if "one term" in mistakes else (1 - y) * q.log().clamp(min=bound)))


def _bce_slope(y: Tensor, y_hat: Tensor, mistakes: Mistakes) -> Tensor:
    way, e = _soft(mistakes)
    if "from logits" in mistakes:
        return y_hat - y
    if "one term" in mistakes:
        return -y / (y_hat + e if way != "clamped" else y_hat.clamp(min=e))
    if way == "clamped":
        p = y_hat.clamp(e, 1 - e)
        return (p - y) / (p * (1 - p))
    denominator = (1 - y_hat) * y_hat
    return (y_hat - y) / (denominator + e if way or "not clamped" in mistakes else denominator.clamp(min=1e-12))
