"""The laws of a layer, tried on one input. Nothing here uses autograd: the oracle is differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.check.report import Report
from pure_mlp.check.subject import Subject
from pure_mlp.check.tangents import TANGENT_LAWS
from pure_mlp.check.trials import LAWS, H, widest
from pure_mlp.layer import Layer, composition, layer_name
from pure_mlp.nodes import explained, is_tensor
from pure_mlp.record import tree_items, tree_map
from pure_mlp.registry.layer_row import as_words
from pure_mlp.shapes import spec

__all__ = ["laws", "tried"]

P = TypeVar("P")
C = TypeVar("C")


def laws(
    layer: Layer[P, C],
    params: P,
    x: Tensor,
    *,
    name: str = "",
    reference: Callable[[P, Tensor], Tensor] | None = None,
    shared: Iterable[str] = (),
    kinks: Iterable[float] = (),
    has_dx: bool = True,
    independent: bool = True,
) -> Report:
    """Try every law on a layer: its gradients against 5-point differences in float64 to 1e-9, purity, dtypes, batches and more.

    Args:
        layer: any layer of a tensor.
        params: its params.
        x: an input away from the kinks, or whole numbers; if it has two dimensions or more, the first one is the batch.
        name: what the report calls the layer; by default its own name.
        reference: an independent function (params, x) -> y, whose values y must have.
        shared: which outputs share memory with which arguments, as "cache is x".
        kinks: where an elementwise layer has no derivative.
        has_dx: False for a layer that computes grads alone.
        independent: False where what becomes of an example depends on the others, or on its place among them.

    Returns:
        The report, which is `ok` or prints which law is broken and how. Of a layer whose passes do not run on x, or return
        something else than they should, the one law "passes" is tried. It also says which of `jvp` and `bwd_jvp` there is not.

    Raises:
        ValueError: what is no layer, params that are no tree of tensors; x that is no tensor, not finite or at a kink; `shared`
            that is no set of texts.

    >>> from pure_mlp import relu
    >>> print(laws(relu, (), torch.tensor([[0.5, -1.0], [2.0, 3.0]]), kinks=(0.0,)))
    relu: 13 of 13 laws hold
    """
    if not isinstance(layer, Layer):
        raise ValueError(f"laws: {spec(layer)}, expected a Layer")
    if not isinstance(x, Tensor):
        raise ValueError(f"laws: x {spec(x)}, expected a tensor")
    declared = as_words("laws", shared)
    try:
        params, x = tree_map(widest, params), widest(x)
    except ValueError as error:
        raise ValueError(f"laws: params: {error}") from error
    if not bool(x.isfinite().all()):
        raise ValueError("laws: x is not finite, where differences say nothing")
    for kink in kinks:
        if x.numel() and (x - kink).abs().min() < 3 * H:
            raise ValueError(f"laws: x is within {3 * H:g} of the kink {kink:g}, where differences say nothing")
    name = name or layer_name(layer)
    passes = tried(name, {"passes": lambda: _passes(layer, params, x, has_dx)})
    if not passes.ok:
        return passes
    subject = Subject(layer, params, x, _dy(layer.fwd(params, x)[0]), reference, declared, has_dx, independent)
    has = {law: f for law, f in TANGENT_LAWS.items() if getattr(layer, law) is not None}
    report = tried(name, {law: partial(f, subject) for law, f in {**LAWS, **has}.items()})
    primitive = composition(layer) is None  # another has no bwd_jvp
    return attrs.evolve(report, without=tuple(law for law in TANGENT_LAWS if law not in has and primitive))


def _dy(y: Tensor) -> Tensor:
    return torch.randn(y.shape, generator=Generator().manual_seed(0), dtype=y.dtype)


def _passes(layer: Layer[P, C], params: P, x: Tensor, has_dx: bool) -> str:
    """What `fwd` and `bwd` return are pairs, of a tensor and a tree of tensors."""
    if why := _no_pair("fwd", "y", "cache", forth := layer.fwd(params, x), True):
        return why
    y, cache = forth
    if not y.is_floating_point():
        return f"y is {y.dtype}, expected a floating dtype"
    return _no_pair("bwd", "dx", "grads", layer.bwd(params, cache, _dy(y)), has_dx)


def _no_pair(what: str, first: str, second: str, out: object, tensor: bool) -> str:
    if not isinstance(out, tuple) or len(out) != 2 or (tensor and not isinstance(out[0], Tensor)):
        told = f"({', '.join(map(spec, out))})" if isinstance(out, tuple) else spec(out)
        return f"{what} returns {told}, expected ({first}, {second})" + f", {first} a tensor" * tensor
    return next((f"{second}: {explained(leaf, path)}" for path, leaf in tree_items(out[1]) if not is_tensor(leaf)), "")


def tried(name: str, checks: dict[str, Callable[[], str]]) -> Report:
    """The report of checks, each of which returns what is wrong, or ""; an exception is wrong too.

    >>> tried("nothing", {"division": lambda: str(1 / 0)}).found
    (('division', 'ZeroDivisionError: division by zero'),)
    """
    found = []
    for law, check in checks.items():
        try:
            found.append((law, check()))
        except Exception as error:  # whatever a stranger's layer raises
            found.append((law, f"{type(error).__name__}: {error}"))
    return Report(name, tuple(found))
