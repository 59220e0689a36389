"""Inner products of the gradients of single examples with a direction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.optim.widths import widened
from pure_mlp.quantities.jvp import jvp
from pure_mlp.quantities.per_layer import over_examples
from pure_mlp.signatures import Loss

__all__ = ["example_dots"]

P = TypeVar("P")
C = TypeVar("C")


def example_dots(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor, P], Tensor]:
    """`(params, x, y, v) -> (<g_b, v>)_b`, shape (B,), with g_b as in `example_grads`: one forward and one tangent pass.

    <g_b, v> = <dJ/dy_hat_b, (J v)_b>, so that not even a backward pass is needed. With v the gradient of a test example,
    summed over saved params, it is the influence of each training example on that one (TracIn; Pruthi et al., arXiv:2002.08484).

    Args:
        net: a layer whose parts all have a `jvp`.
        loss: `loss(y, y_hat) -> (J, dJ/dy_hat)`.

    Returns:
        The function; v is of the type of the params.

    Raises:
        ValueError: when called, if a layer has no `jvp`, or v does not fit.

    >>> import torch
    >>> from pure_mlp import Linear, linear_bottom, squared_norm
    >>> params, x = Linear(torch.tensor([[1.0]]), torch.zeros(1)), torch.tensor([[1.0], [2.0]])
    >>> example_dots(linear_bottom, squared_norm)(params, x, torch.zeros(2, 1), Linear(torch.ones(1, 1), torch.ones(1)))
    tensor([ 4., 12.])
    """
    return partial(_dots, net, loss)


def _dots(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor, v: P) -> Tensor:
    y_hat, moved = jvp(over_examples(lambda layer, _: layer, net, params), params, x, v)
    dy_hat, moved = widened([loss(y, y_hat)[1], moved])
    return (dy_hat * moved).unsqueeze(-1).flatten(1).sum(1)
