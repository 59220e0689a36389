"""Jacobian-vector products: how the output moves when params and input move."""

from __future__ import annotations

from typing import TypeVar

from pure_mlp.layer import Layer, tangent
from pure_mlp.record import tree_items, tree_zeros
from pure_mlp.shapes import alike, spec

__all__ = ["check_direction", "jvp"]

P = TypeVar("P")
C = TypeVar("C")
X = TypeVar("X")
Y = TypeVar("Y")


def jvp(net: Layer[P, C, X, Y], params: P, x: X, dparams: P, dx: X | None = None) -> tuple[Y, Y]:
    """y = f(params, x) and dy = (df/dparams) dparams + (df/dx) dx, by the layers' own tangents: no graph, no second pass.

    At a kink the derivative is the one that `bwd` takes. Under `linear_bottom` x is held, there as here: dx changes nothing.

    Args:
        net: any layer whose parts all have a `jvp`.
        params: its params.
        x: its input.
        dparams: the direction in which the params move, of their type and shapes.
        dx: that in which x moves, of its shape; None where x is held.

    Returns:
        y and dy, of one shape.

    Raises:
        ValueError: a layer has no `jvp`, or a tangent does not fit.

    >>> import torch
    >>> from pure_mlp import Linear, linear
    >>> params, dparams = Linear(torch.tensor([[2.0]]), torch.zeros(1)), Linear(torch.tensor([[1.0]]), torch.zeros(1))
    >>> jvp(linear, params, torch.tensor([[3.0]]), dparams)
    (tensor([[6.]]), tensor([[3.]]))
    """
    check_direction(dparams, params)
    y, cache = net.fwd(params, x)
    return y, tangent(net)(params, cache, dparams, tree_zeros(x) if dx is None else dx)


def check_direction(v: P, params: P) -> None:
    """Raises `ValueError`, with the place, unless v is a tree of the type and shapes of the params.

    >>> import torch
    >>> check_direction((torch.ones(2),), (torch.ones(3),))
    Traceback (most recent call last):
    ValueError: a direction with (2,) float32 at 0, expected (3,) float32 as the params
    """
    given, wanted = [*tree_items(v)], [*tree_items(params)]
    if [path for path, _ in given] != [path for path, _ in wanted]:
        paths = [", ".join(path or "the root" for path, _ in leaves) or "nothing" for leaves in (given, wanted)]
        raise ValueError(f"a direction with leaves at {paths[0]}; the params have theirs at {paths[1]}")
    for (path, a), (_, b) in zip(given, wanted):
        if not alike(a, b):
            raise ValueError(f"a direction with {spec(a)} at {path or 'the root'}, expected {spec(b)} as the params")
