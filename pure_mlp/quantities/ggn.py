"""Products with the generalised Gauss-Newton matrix (Schraudolph, 2002)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from torch import Tensor

from pure_mlp.layer import Layer, tangent
from pure_mlp.losses.curvature import curvature
from pure_mlp.quantities.jvp import check_direction
from pure_mlp.record import tree_zeros
from pure_mlp.signatures import Loss

__all__ = ["ggn_product"]

P = TypeVar("P")
C = TypeVar("C")


def ggn_product(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor, P], P]:
    """`(params, x, y, v) -> G v` with G = J^T H J, J = dy_hat/dparams and H = d^2 loss/dy_hat^2: the Hessian of a net made linear.

    One forward, one tangent and one backward pass. G is symmetric, and where the loss is convex in y_hat, positive semidefinite; of
    a linear net it is the Hessian. For cross-entropy and the squared error it is a multiple of the Fisher matrix.

    Args:
        net: a layer whose parts all have a `jvp`.
        loss: a loss that says its second derivatives (`curved`).

    Returns:
        The function; v and G v are of the type of the params.

    Raises:
        ValueError: when called, if a layer has no `jvp`, or the loss no second derivatives, or v does not fit.

    >>> import torch
    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> params, v = Linear(torch.tensor([[2.0]]), torch.zeros(1)), Linear(torch.tensor([[1.0]]), torch.zeros(1))
    >>> ggn_product(linear_bottom, mse)(params, torch.tensor([[3.0]]), torch.tensor([[1.0]]), v).weight
    tensor([[18.]])
    """
    return partial(_product, net, loss)


def _product(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor, v: P) -> P:
    check_direction(v, params)
    y_hat, cache = net.fwd(params, x)
    moved = tangent(net)(params, cache, v, tree_zeros(x))
    return net.bwd(params, cache, curvature(loss, y, y_hat, moved))[1]
