"""One law a function: given a subject, what is wrong with it, "" where the law holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from pure_mlp.check.differences import five_point
from pure_mlp.check.purity import Unchanged, named, shared
from pure_mlp.check.report import entry
from pure_mlp.check.subject import Subject
from pure_mlp.layer import Layer
from pure_mlp.record import tree_leaves, tree_map
from pure_mlp.shapes import spec

__all__ = ["LAWS", "H", "far", "sharing", "widest"]

H, MOST = 5e-4, 300
"""The step of the differences, and the number of entries that are tried."""


def widest(t: Tensor) -> Tensor:
    """t in float64; whole numbers as they are.

    >>> widest(torch.tensor([1.5])), widest(torch.tensor([1]))
    (tensor([1.5000], dtype=torch.float64), tensor([1]))
    """
    return t.double() if t.is_floating_point() else t


def _structure(s: Subject) -> str:
    """dx is like x and grads are like params, in class, shape and dtype."""
    cache = s.layer.fwd(s.params, s.x)[1]
    dx, grads = s.layer.bwd(s.params, cache, s.dy)
    if type(grads) is not type(s.params):
        return f"grads are a {type(grads).__name__}, expected a {type(s.params).__name__} as the params"
    pairs = named(dx=dx if s.has_dx else (), grads=grads)
    wanted = named(dx=s.x if s.has_dx else (), grads=s.params)
    wrong = [f"{n} is {spec(got)}, expected {spec(like)}" for (n, got), (_, like) in zip(pairs, wanted) if spec(got) != spec(like)]
    return "; ".join(wrong) or ("" if len(pairs) == len(wanted) else f"{len(pairs)} gradients, expected {len(wanted)}")


def _gradient(s: Subject) -> str:
    """Every gradient is that of differences, at `MOST` entries or all."""
    for what, at, written, J in s.gradients():
        if written.shape != at.shape:
            return f"{what} has shape {tuple(written.shape)}, expected {tuple(at.shape)}"
        places = torch.randperm(at.numel(), generator=Generator().manual_seed(0))[:MOST]
        at = at.contiguous()
        difference = five_point(J, at, places, H)
        errors = (written.reshape(-1)[places] - difference).abs() / (1 + difference.abs())
        if not bool((errors <= 1e-9).all()):
            worst = int(places[errors.nan_to_num(torch.inf).argmax()])
            return entry(what, J, at, worst, written.reshape(-1)[worst].item(), H)
    return ""


def _values(s: Subject) -> str:
    """y is that of the reference, where there is one."""
    return "" if s.reference is None else far("y", s.layer.fwd(s.params, s.x)[0], s.reference(s.params, s.x), 1e-12)


def _linear(s: Subject) -> str:
    """bwd(2 u - 3 v) = 2 bwd(u) - 3 bwd(v)."""
    u, v = s.dy, s.other_dy()
    for both, a, b in zip(s.again(2 * u - 3 * v), s.again(u), s.again(v)):
        if why := far("bwd(2 u - 3 v)", both, 2 * a - 3 * b, 1e-12):
            return why
    return ""


def _pure(s: Subject) -> str:
    """Neither pass writes to what it is given."""
    given = Unchanged(named(params=s.params, x=s.x))
    y, cache = s.layer.fwd(s.params, s.x)
    if changed := given.changed():
        return f"fwd writes to {', '.join(changed)}"
    given = Unchanged(named(params=s.params, y=y, cache=cache, dy=s.dy))
    s.layer.bwd(s.params, cache, s.dy)
    return f"bwd writes to {', '.join(given.changed())}" if given.changed() else ""


def sharing(layer: Layer[Any, Any], params: Any, x: Tensor, dy: Tensor) -> set[str]:
    """Which outputs of the two passes share memory with which arguments.

    >>> from pure_mlp import identity
    >>> sorted(sharing(identity, (), torch.ones(2), torch.ones(2)))
    ['cache is x', 'dx is dy', 'y is x']
    """
    y, cache = layer.fwd(params, x)
    found = shared(named(y=y, cache=cache), named(params=params, x=x))
    dx, grads = layer.bwd(params, cache, dy)
    return found | shared(named(dx=dx, grads=grads), named(params=params, cache=cache, dy=dy))


def _sharing(s: Subject) -> str:
    """Outputs share memory with arguments only where that is declared."""
    found = sharing(s.layer, s.params, s.x, s.dy)
    if found == s.shared:
        return ""
    return f"shared memory: {', '.join(sorted(found)) or 'none'}; declared: {', '.join(sorted(s.shared)) or 'none'}"


def _deterministic(s: Subject) -> str:
    """The same bits every time."""
    runs = [tree_leaves(s.both(s.params, s.x, s.dy)) for _ in range(2)]
    same = all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(*runs))
    return "" if same else "two calls with the same arguments differ"


def _dtypes(s: Subject) -> str:
    """In float32 and bfloat16 the dtype is kept, and the values are those of float64 within rounding."""
    for dtype in (torch.float32, torch.bfloat16):
        low = s.cast(dtype)
        for (what, got), (_, wanted) in zip(s.outputs(*low), s.outputs(*tree_map(widest, low))):
            if got.dtype != dtype:
                return f"{what} is {got.dtype} for params, x and dy of {dtype}"
            if why := far(f"{what} in {dtype}", got.double(), wanted, 32 * torch.finfo(dtype).eps):
                return why
    return ""


def _batch(s: Subject) -> str:
    """No examples give empty outputs and grads of 0; independent ones give, one at a time, the rows of all, and grads add up."""
    if s.x.dim() < 2:
        return ""
    try:
        y, (dx, grads) = s.both(s.params, s.x[:0], s.dy[:0])
    except Exception as error:  # whatever a stranger's layer raises
        return f"without examples, x {spec(s.x[:0])}: {type(error).__name__}: {error}"
    if y.numel() or (s.has_dx and dx.shape != s.x[:0].shape) or any(bool(g.any()) for g in tree_leaves(grads)):
        return "without examples y and dx have to be empty, and grads 0"
    if not s.independent or not len(s.x):
        return ""
    y, (dx, grads) = s.both(s.params, s.x, s.dy)
    ones = [s.both(s.params, s.x[i : i + 1], s.dy[i : i + 1]) for i in range(len(s.x))]
    joined = [far("y of one example at a time", torch.cat([one[0] for one in ones]), y, 1e-12)]
    joined += [far("dx of one example at a time", torch.cat([one[1][0] for one in ones]), dx, 1e-12)] if s.has_dx else []
    for i, whole in enumerate(tree_leaves(grads)):
        parts = torch.stack([tree_leaves(one[1][1])[i] for one in ones]).sum(0)
        joined.append(far("the sum of the examples' grads", parts, whole, 1e-12))
    return next(filter(None, joined), "")


def _strides(s: Subject) -> str:
    """Tensors with gaps in memory give the same."""
    apart = tree_map(lambda t: torch.stack((t, t), -1)[..., 0], (s.params, s.x, s.dy))
    pairs = zip(s.outputs(*apart), s.outputs(s.params, s.x, s.dy))
    return next(filter(None, (far(f"{what} of tensors that are not contiguous", a, b, 1e-12) for (what, a), (_, b) in pairs)), "")


def _cotangent(s: Subject) -> str:
    """A dy that would broadcast is refused."""
    cache = s.layer.fwd(s.params, s.x)[1]
    try:
        s.layer.bwd(s.params, cache, s.dy.unsqueeze(0))
    except ValueError:
        return ""
    return f"bwd takes dy {spec(s.dy.unsqueeze(0))} for y {spec(s.dy)}; expected a ValueError, as of `check_cotangent`"


def far(what: str, got: Tensor, wanted: Tensor, limit: float) -> str:
    """Where two tensors are farther apart than the limit, relative to the largest component from 1 on; "" if they are not.

    >>> far("y", torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]), 1e-3)
    'y at 1 is 2, expected 3'
    """
    if got.shape != wanted.shape:
        return f"{what} has shape {tuple(got.shape)}, expected {tuple(wanted.shape)}"
    if not got.numel():
        return ""
    errors = torch.where(got.isnan() & wanted.isnan(), 0.0, (got - wanted).abs().nan_to_num(torch.inf))
    if errors.max() <= limit * max(1.0, wanted.abs().max().item()):
        return ""
    i = int(errors.argmax())
    return f"{what} at {i} is {got.flatten()[i].item():.10g}, expected {wanted.flatten()[i].item():.10g}"


LAWS: dict[str, Callable[[Subject], str]] = {
    "structure": _structure,
    "gradient": _gradient,
    "values": _values,
    "linear in dy": _linear,
    "pure": _pure,
    "sharing": _sharing,
    "deterministic": _deterministic,
    "dtypes": _dtypes,
    "batches": _batch,
    "strides": _strides,
    "cotangent": _cotangent,
}
"""By name, what is wrong with a subject: "" where the law holds."""
