"""What a file's net computes for a case: the right formulas, with any set of mistakes applied to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Generator, Tensor

from pure_mlp.homework.grade.cases import GRADS, PARAMETERS, NetCase
from pure_mlp.homework.grade.net_mistakes import FORWARD, LOWER, UPPER
from pure_mlp.homework.grade.wrong_functions import ON_TOP, RELU_SLOPES, RELUS, SIGMOID_SLOPES, SIGMOIDS, UPSTREAM

Mistakes = frozenset[str]
AHEAD: Mistakes = frozenset(FORWARD)
Cache = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]

FOR_IDENTITY: Mistakes = frozenset({"sigmoid for identity", "relu for identity"})
EXCHANGING: Mistakes = FOR_IDENTITY | {
    *("relu not applied", "sigmoid not applied"),
    *("f slope of g", "g slope of f", "f slope of g at z", "g slope of f at z"),
}
"""Those with which a net computes an activation or a slope that is not its own at that place."""

UNSEEN: dict[str, Mistakes] = {
    "1": frozenset(name for name in UPPER if {"W2", "b2"} & {*name.split()}),
    "2": frozenset(LOWER),
}
"""What neither gradient of layer 1, or of layer 2, shows."""

PASSES = {"": ("", "x", "dJ"), " twice": ("", "x'", "dJ'"), " new": ("new ", "x", "dJ")}
"""Of each pass what its parameters begin with, its input and its upstream gradient."""

FROM_Z = "slopes from z"
"""No mistake: slopes that are right for their z, whatever was applied to it in forward."""


@lru_cache(maxsize=1 << 12)
def first_model(case: NetCase, mistakes: Mistakes = frozenset()) -> Mapping[str, Tensor]:
    """y and the grads of one pass in a new net. Computed once.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> case = net_cases()[0]
    >>> right, wrong = first_model(case), first_model(case, frozenset({"sign in backward"}))
    >>> torch.equal(right["y"], wrong["y"]), torch.equal(right["dJdW1"], -wrong["dJdW1"])
    (True, True)
    """
    return {name: net_value(name, case, mistakes) for name in ("y", *GRADS)}


@lru_cache(maxsize=1 << 12)
def net_model(case: NetCase, mistakes: Mistakes = frozenset()) -> Mapping[str, Tensor]:
    """What `first_model` gives; y and grads of a second pass on top (`twice`); those with new parameters (`new`). Computed once.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> sorted(name for name in net_model(net_cases()[0]) if name[0] == "y")
    ['y', 'y new', 'y twice']
    """
    return {name + which: net_value(name + which, case, mistakes) for which in PASSES for name in ("y", *GRADS)}


def net_value(name: str, case: NetCase, mistakes: Mistakes = frozenset()) -> Tensor:
    """One of what `net_model` holds. What its mistakes do not change is not computed again.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> mean, transposed = frozenset({"mean of b2"}), frozenset({"mean of b2", "W1 transposed"})
    >>> net_value("dJdb2", net_cases()[0], mean) is net_value("dJdb2", net_cases()[0], transposed)
    True
    """
    mistakes = mistakes if mistakes & EXCHANGING else mistakes - _absent(case.f, case.g)
    quantity, space, which = name.partition(" ")
    prefix, x, _ = PASSES[space + which]
    if quantity == "y":
        return _forward(case, prefix, x, mistakes & AHEAD)[4]
    mistakes = mistakes - UNSEEN[quantity[-1]]
    value = _pass_of_layer(quantity[-1], space + which, case, mistakes)[quantity]
    first = _pass_of_layer(quantity[-1], "", case, mistakes)[quantity] if which == "twice" else value
    adds = which == "twice" and "overwriting" not in mistakes and value.shape == first.shape
    return value + first if adds else value


@lru_cache(maxsize=16)
def _absent(f: str, g: str) -> Mistakes:
    """The mistakes of activations that a net with this f and g does not have."""
    absent: set[str] = set()
    for name, forward, slopes in (("relu", {*RELUS}, {*RELU_SLOPES}), ("sigmoid", {*SIGMOIDS}, {*SIGMOID_SLOPES})):
        absent |= forward if name not in (f, g) else set()
        absent |= {f"{which} slope {kind}" for which, own in (("f", f), ("g", g)) if own != name for kind in slopes}
    return frozenset(absent)


@lru_cache(maxsize=1 << 16)
def _pass_of_layer(layer: str, which: str, case: NetCase, mistakes: Mistakes) -> Mapping[str, Tensor]:
    """The gradients of one layer in one pass by itself."""
    prefix, x, dJ = PASSES[which]
    stale = which == " twice" and "stale cache" in mistakes
    cache = _forward(case, prefix, "x" if stale else x, mistakes & AHEAD)
    return _of_layer(layer, _parameters(case, prefix, mistakes), cache, case.tensors[dJ], case, mistakes)


def _parameters(case: NetCase, prefix: str, mistakes: Mistakes) -> list[Tensor]:
    copied = "parameters copied" in mistakes
    return drawn(case) if copied else [case.tensors[prefix + name] for name in PARAMETERS]


def drawn(case: NetCase) -> list[Tensor]:
    """The parameters W1 (h, n), b1 (h), W2 (k, h), b2 (k) that a seeded net starts with: four bare `torch.randn` calls.

    >>> [tuple(p.shape) for p in drawn(NetCase(0, "relu", "identity", (3, 5, 2), {}))]
    [(5, 3), (5,), (2, 5), (2,)]
    """
    generator = Generator().manual_seed(case.seed)
    n, h, k = case.widths
    return [torch.randn(*shape, generator=generator) for shape in ((h, n), (h,), (k, h), (k,))]


def _applied(name: str, mistakes: Mistakes) -> str:
    """The activation that stands in the place of this one."""
    others = [other for other in ("sigmoid", "relu") if name == "identity" and f"{other} for identity" in mistakes]
    return others[0] if others else name


def _activation(name: str, z: Tensor, mistakes: Mistakes) -> Tensor:
    name = _applied("identity" if f"{name} not applied" in mistakes else name, mistakes)
    if name == "identity":
        return z.clone()
    if name == "relu":
        return next((RELUS[m](z) for m in RELUS if m in mistakes), torch.relu(z))
    return next((SIGMOIDS[m](z) for m in SIGMOIDS if m in mistakes), torch.sigmoid(z))


@lru_cache(maxsize=1 << 12)
def _forward(case: NetCase, prefix: str, x_name: str, mistakes: Mistakes) -> Cache:
    p, x = _parameters(case, prefix, mistakes), case.tensors[x_name]
    f, g = case.g if "g as f" in mistakes else case.f, case.f if "f as g" in mistakes else case.g
    z1 = _product(1, p[0], x, mistakes) + _bias(1, p[1], mistakes)
    z2 = z1 if "f not applied" in mistakes else _activation(f, z1, mistakes)
    z2 = _activation(f, z2, mistakes) if "f twice" in mistakes else z2
    z3 = _product(2, p[2], z2, mistakes) + _bias(2, p[3], mistakes)
    y = z3 if "g not applied" in mistakes else _activation(g, z3, mistakes)
    y = _activation(g, y, mistakes) if "g twice" in mistakes else y
    for mistake in ON_TOP:
        y = ON_TOP[mistake](y) if mistake in mistakes else y
    return x, z1, z2, z3, y


def _product(n: int, W: Tensor, x: Tensor, mistakes: Mistakes) -> Tensor:
    """x W^T, or what stands in its place where the shapes allow it."""
    if f"W{n} from the left" in mistakes and x.shape == W.shape and _is_square(W):
        return W @ x
    return x @ (W if f"W{n} as it is" in mistakes and _is_square(W) else W.t())


def _bias(n: int, b: Tensor, mistakes: Mistakes) -> Tensor:
    return torch.zeros_like(b) if f"no b{n}" in mistakes else -b if f"b{n} subtracted" in mistakes else b


def _is_square(W: Tensor) -> bool:
    return W.shape[0] == W.shape[1]


def _slope(which: str, name: str, z: Tensor, a: Tensor, dJda: Tensor, mistakes: Mistakes) -> Tensor:
    """f'(z1) or g'(z3), as `which` says, of the activation `name`, from its input, its output and the cotangent of that."""
    made = {m.removeprefix(f"{which} slope ") for m in mistakes if m.startswith(f"{which} slope ")}
    if FROM_Z not in mistakes:
        name = _applied(name, mistakes)
    if name == "identity" and "missing" not in made:
        return torch.zeros_like(z) if "0 for identity" in made else z if "z for identity" in made else torch.ones_like(z)
    if "missing" in made:
        return torch.ones_like(z)
    if FROM_Z in mistakes and not FOR_IDENTITY & mistakes:
        a = _activation(name, z, frozenset())
    if name == "relu":
        slope = next((RELU_SLOPES[m](z, a, dJda) for m in RELU_SLOPES if m in made), (z > 0).to(z.dtype))
    else:
        slope = next((SIGMOID_SLOPES[m](z, a) for m in SIGMOID_SLOPES if m in made), a * (1 - a))
    return slope


def _of_layer(layer: str, p: list[Tensor], cache: Cache, dJ: Tensor, case: NetCase, mistakes: Mistakes) -> dict[str, Tensor]:
    """The gradients of the weight and the bias of layer 1 or 2."""
    dJ = next((UPSTREAM[m](dJ) for m in UPSTREAM if m in mistakes), dJ)
    d3 = _dz3(cache, dJ, case, mistakes)
    grads = _of_layer_2(cache, dJ, d3, mistakes) if layer == "2" else _of_layer_1(p, cache, dJ, d3, case, mistakes)
    return {name: _last(name, grad, p, dJ, mistakes) for name, grad in grads.items()}


def _dz3(cache: Cache, dJ: Tensor, case: NetCase, mistakes: Mistakes) -> Tensor:
    _, _, _, z3, y_hat = cache
    name, a = case.g, y_hat
    if {"g slope of f", "g slope of f at z"} & mistakes:
        name, a = case.f, _activation(case.f, z3, mistakes) if "g slope of f at z" in mistakes else y_hat
    slope = _slope("g", name, z3, a, dJ, mistakes)
    return dJ * slope * (slope if "g slope twice" in mistakes else 1)


def _of_layer_2(cache: Cache, dJ: Tensor, d3: Tensor, mistakes: Mistakes) -> dict[str, Tensor]:
    x, z1, z2, _, y_hat = cache
    of_W2 = z1 if "W2 from z1" in mistakes else x if "W2 from x" in mistakes else y_hat if "W2 from y_hat" in mistakes else z2
    return {
        "dJdW2": _times(2, dJ if "W2 without g slope" in mistakes else d3, of_W2, mistakes),
        "dJdb2": _over(2, dJ if "b2 without g slope" in mistakes else d3, mistakes),
    }


def _of_layer_1(p: list[Tensor], cache: Cache, dJ: Tensor, d3: Tensor, case: NetCase, mistakes: Mistakes) -> dict[str, Tensor]:
    x, z1, z2, _, _ = cache
    W1, W2 = p[0], p[2]
    name, a = case.f, z2
    if {"f slope of g", "f slope of g at z"} & mistakes:
        name, a = case.g, _activation(case.g, z1, mistakes) if "f slope of g at z" in mistakes else z2
    square = _is_square(W2)
    back = W2.t() if square and "W2 not transposed" in mistakes else W2
    back = drawn(case)[2] if "W2 copied" in mistakes else back
    back = W1 if square and W1.shape == W2.shape and "W1 in place of W2" in mistakes else back
    d2 = _below(cache, dJ, d3, case, mistakes) @ back
    slope = _slope("f", name, z1, a, d2, mistakes)
    d1 = d2 * slope * (slope if "f slope twice" in mistakes else 1)
    of_W1 = z1 if "W1 from z1" in mistakes else z2 if "W1 from z2" in mistakes else x
    of_b1 = d1 * slope if "b1 of the handout" in mistakes else d2 if "b1 without f slope" in mistakes else d1
    dW1 = _times(1, d2 if "W1 without f slope" in mistakes else d1, of_W1, mistakes)
    return {"dJdW1": dW1, "dJdb1": _over(1, of_b1, mistakes)}


def _below(cache: Cache, dJ: Tensor, d3: Tensor, case: NetCase, mistakes: Mistakes) -> Tensor:
    """What W2^T multiplies: dJ/dz3, or what stands in its place."""
    if "g slope twice below" in mistakes:
        return _dz3(cache, d3, case, mistakes)
    return dJ if "g slope missing below" in mistakes else d3


def _times(n: int, d: Tensor, x: Tensor, mistakes: Mistakes) -> Tensor:
    """d^T x, the sum of the products of each example, or what stands in its place where the shapes allow it."""
    if f"W{n} as columns" in mistakes and d.shape == x.shape and _is_square(d):
        return d @ x.t()
    return d.sum(0)[:, None] * x.sum(0) if f"W{n} of sums" in mistakes else d.t() @ x


def _over(n: int, d: Tensor, mistakes: Mistakes) -> Tensor:
    """The sum over the batch, or what stands in its place."""
    if f"b{n} over all" in mistakes:
        return d.sum()
    return d.sum(1 if f"b{n} over units" in mistakes else 0)


def given_cotangent(case: NetCase, d3: Tensor, mistakes: Mistakes) -> dict[str, Tensor]:
    """dJdW2, dJdb1 and dJdW1 of the first pass for this dJ/dz3 (batch, k), whatever it should be.

    >>> case = NetCase(0, "relu", "relu", (1, 1, 1), {name: torch.ones(1, 1) for name in ("W1", "b1", "W2", "b2", "x")})
    >>> given_cotangent(case, torch.tensor([[3.0]]), frozenset())["dJdW2"]
    tensor([[6.]])
    """
    x, z1, z2, _, _ = _forward(case, "", "x", mistakes & AHEAD)
    d2 = d3 @ _parameters(case, "", mistakes)[2]
    d1 = d2 * _slope("f", case.f, z1, z2, d2, mistakes)
    return {"dJdW2": d3.t() @ z2, "dJdb1": d1.sum(0), "dJdW1": d1.t() @ x}


def _last(name: str, grad: Tensor, p: list[Tensor], dJ: Tensor, mistakes: Mistakes) -> Tensor:
    """What is done to a gradient before it is stored: transposed, scaled, negated, clamped, broadcast into its place."""
    which, (batch, k) = name.removeprefix("dJd"), dJ.shape
    grad = grad.t() if f"{which} transposed" in mistakes else grad
    over = {f"mean of {which}": batch, "mean in backward": batch, "features in backward": k, "numel in backward": batch * k}
    for mistake in mistakes & over.keys():
        grad = grad / over[mistake]
    grad = -grad if "sign in backward" in mistakes else grad
    grad = grad * next((float(m.split()[1]) for m in mistakes if m.startswith("times ")), 1.0)
    bound = next((float(m.split()[1]) for m in mistakes if m.startswith("clamped")), None)
    grad = grad if bound is None else grad.clamp(-bound, bound)
    shape = p[PARAMETERS.index(which)].shape
    into = grad.dim() <= len(shape) and all(a in (1, b) for a, b in zip(grad.shape[::-1], shape[::-1]))
    return grad.expand(*shape) if into and "overwriting" not in mistakes else grad
