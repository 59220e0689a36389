"""The laws of a layer, tried on one input. Nothing here uses autograd: the oracle is differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

import torch
from torch import Generator, Tensor

from pure_mlp.check.report import Report
from pure_mlp.check.subject import Subject
from pure_mlp.check.trials import LAWS, H, widest
from pure_mlp.layer import Layer, layer_name
from pure_mlp.record import tree_map

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
        The report, which is `ok` or prints which law is broken and how.

    Raises:
        ValueError: x is at a kink.

    >>> from pure_mlp import relu
    >>> print(laws(relu, (), torch.tensor([[0.5, -1.0], [2.0, 3.0]]), kinks=(0.0,)))
    relu: 11 of 11 laws hold
    """
    params, x = tree_map(widest, (params, x))
    for kink in kinks:
        if x.numel() and (x - kink).abs().min() < 3 * H:
            raise ValueError(f"laws: x is within {3 * H:g} of the kink {kink:g}, where differences say nothing")
    y = layer.fwd(params, x)[0]
    dy = torch.randn(y.shape, generator=Generator().manual_seed(0), dtype=y.dtype)
    subject = Subject(layer, params, x, dy, reference, frozenset(shared), has_dx, independent)
    return tried(name or layer_name(layer), {law: partial(f, subject) for law, f in LAWS.items()})


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
