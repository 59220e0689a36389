"""Other ways to send the cotangent down than by the transposed weights: rules for credit, each a net whose linear layers do so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import attrs
import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer
from pure_mlp.layers.identity import identity_bwd
from pure_mlp.layers.linear import Linear, linear_bwd, weight_grads
from pure_mlp.quantities.per_layer import AnyLayer, over_params
from pure_mlp.signatures import Loss

__all__ = ["direct_feedback_alignment", "feedback_alignment", "sign_symmetric", "straight_through"]

P = TypeVar("P")
C = TypeVar("C")


def feedback_alignment(net: Layer[P, C], feedback: P) -> Layer[P, C]:
    """The net whose `linear` layers have dx = dy B instead of dy W, B fixed (Lillicrap et al., arXiv:1411.0247).

    Gradients and activations follow their own rules, from the dy that comes down.

    Args:
        net: any net.
        feedback: B in the place of every weight, of the type of the params: others drawn as they are.

    Returns:
        The net, with the same params, forward pass and caches.

    >>> from pure_mlp import linear
    >>> params, feedback = Linear(torch.ones(1, 2), torch.zeros(1)), Linear(torch.tensor([[5.0, 7.0]]), torch.zeros(1))
    >>> feedback_alignment(linear, feedback).bwd(params, torch.ones(1, 2), torch.ones(1, 1))[0]
    tensor([[5., 7.]])
    """
    return over_params(_by_feedback, net, feedback)


def _by_feedback(layer: AnyLayer, feedback: Any) -> AnyLayer:
    return attrs.evolve(layer, bwd=partial(_fed, feedback)) if layer.bwd is linear_bwd else layer


def _fed(feedback: Linear, params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
    return torch.matmul(dy, feedback.weight), weight_grads(params, x, dy)


def direct_feedback_alignment(net: Layer[P, C], loss: Loss, feedback: P) -> Callable[[P, Tensor, Tensor], tuple[Tensor, P]]:
    """`(params, x, y) -> (J, grads)`: below each `linear` layer comes dx = e B, e = dJ/dy_hat (Nokland, arXiv:1609.01596).

    Every layer hears of the error directly. For one hidden layer it is `feedback_alignment`.

    Args:
        net: layers one after another, whose output is that of the last linear layer.
        loss: `loss(y, y_hat) -> (J, dJ/dy_hat)`.
        feedback: a tree like the params, with B (K, in) in the place of every weight (out, in), K the width of the output.

    Returns:
        The function, as `value_and_grad`.

    >>> from pure_mlp import linear, mse, serial
    >>> params = (Linear(torch.ones(1, 1), torch.zeros(1)), Linear(torch.ones(1, 1), torch.zeros(1)))
    >>> direct_feedback_alignment(serial(linear, linear), mse, params)(params, torch.ones(1, 1), torch.zeros(1, 1))[0]
    tensor(1.)
    """
    return partial(_directly, net, loss, feedback)


def _directly(net: Layer[P, C], loss: Loss, feedback: P, params: P, x: Tensor, y: Tensor) -> tuple[Tensor, P]:
    y_hat, cache = net.fwd(params, x)
    J, error = loss(y, y_hat)

    def direct(layer: AnyLayer, feedback: Any) -> AnyLayer:
        def bwd(params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
            return torch.matmul(error, feedback.weight), weight_grads(params, x, dy)

        return attrs.evolve(layer, bwd=bwd) if layer.bwd is linear_bwd else layer

    return J, over_params(direct, net, feedback).bwd(params, cache, error)[1]


def sign_symmetric(net: Layer[P, C], params: P) -> Layer[P, C]:
    """The net whose `linear` layers have dx = dy sign(W) instead of dy W (Liao et al., arXiv:1510.05067).

    Args:
        net: any net.
        params: its params, now or at any time: only their kinds matter, the signs are those of the params at each pass.

    Returns:
        The net, with the same params, forward pass and caches.

    >>> from pure_mlp import linear
    >>> params = Linear(torch.tensor([[5.0, -7.0]]), torch.zeros(1))
    >>> sign_symmetric(linear, params).bwd(params, torch.ones(1, 2), torch.ones(1, 1))[0]
    tensor([[ 1., -1.]])
    """
    return over_params(_by_sign, net, params)


def _by_sign(layer: AnyLayer, params: Any) -> AnyLayer:
    return attrs.evolve(layer, bwd=_signed) if layer.bwd is linear_bwd else layer


def _signed(params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
    return torch.matmul(dy, torch.sign(params.weight)), weight_grads(params, x, dy)


def straight_through(f: Activation) -> Activation:
    """The activation with dx = dy, whatever its slope (Bengio et al., arXiv:1308.3432). Its tangent stays that of f.

    Args:
        f: an activation; its cache has the shape of its output.

    Returns:
        The activation.

    >>> from pure_mlp import relu
    >>> straight_through(relu).bwd((), torch.zeros(2), torch.ones(2))[0]
    tensor([1., 1.])
    """
    return attrs.evolve(f, bwd=identity_bwd)
