"""Jacobian-vector products: how the output moves when params and input move."""

from __future__ import annotations

from typing import TypeVar

from pure_mlp.layer import Layer, tangent
from pure_mlp.record import tree_zeros

__all__ = ["jvp"]

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
    y, cache = net.fwd(params, x)
    return y, tangent(net)(params, cache, dparams, tree_zeros(x) if dx is None else dx)
