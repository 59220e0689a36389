"""Rules for credit: nets whose linear layers compute dx by other matrices than the transposed weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

import attrs
import torch
from torch import Tensor

from pure_mlp.layer import Activation, Layer, layer_name
from pure_mlp.layers.identity import identity_bwd
from pure_mlp.layers.linear import Linear, linear_bwd, weight_grads
from pure_mlp.optim.lion import signs
from pure_mlp.quantities.per_layer import AnyLayer, over_params
from pure_mlp.record import tree_map
from pure_mlp.shapes import spec

__all__ = ["direct_feedback_alignment", "feedback_alignment", "kolen_pollack", "sign_symmetric", "straight_through"]

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

    Raises:
        ValueError: a feedback of another number of layers; in the backward pass, one of another shape or dtype.

    >>> from pure_mlp import linear
    >>> params, feedback = Linear(torch.ones(1, 2), torch.zeros(1)), Linear(torch.tensor([[5.0, 7.0]]), torch.zeros(1))
    >>> feedback_alignment(linear, feedback).bwd(params, torch.ones(1, 2), torch.ones(1, 1))[0]
    tensor([[5., 7.]])
    """
    return over_params(_by_feedback, net, feedback)


def _by_feedback(layer: AnyLayer, feedback: Any) -> AnyLayer:
    return attrs.evolve(layer, bwd=partial(_fed, feedback), bwd_jvp=None) if layer.bwd is linear_bwd else layer


def _fed(feedback: Linear, params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
    return _through(feedback, params.weight.shape, dy), weight_grads(params, x, dy)


def _through(feedback: object, shape: Sequence[int], dy: Tensor) -> Tensor:
    """dy B. Raises `ValueError` where B is no tensor of this shape."""
    B = getattr(feedback, "weight", None)
    if not isinstance(B, Tensor) or (B.shape, B.dtype) != (torch.Size(shape), dy.dtype):
        raise ValueError(f"feedback {spec(B)}, expected {tuple(shape)} {str(dy.dtype)[6:]}")
    return torch.matmul(dy, B)


def direct_feedback_alignment(net: Layer[P, C], feedback: P) -> Layer[P, C]:
    """The net whose `linear` layers have dx = e B, e the dy of the whole net, dJ/dy_hat (Nokland, arXiv:1609.01596).

    Every layer gets the error directly. For one hidden layer it is `feedback_alignment`.

    Args:
        net: layers one after another, whose output is that of the last linear layer.
        feedback: a tree like the params, with B (K, in) in the place of every weight (out, in), K the width of the output.

    Returns:
        The net, with the same params, forward pass and caches; it is primitive, as its layers need the error of the whole.

    Raises:
        ValueError: in the backward pass, a feedback that does not fit.

    >>> from pure_mlp import linear, serial
    >>> params, feedback = (Linear(torch.ones(1, 1), torch.zeros(1)),) * 3, (Linear(torch.tensor([[5.0]]), torch.zeros(1)),) * 3
    >>> net = direct_feedback_alignment(serial(linear, linear, linear), feedback)
    >>> net.bwd(params, net.fwd(params, torch.ones(1, 1))[1], torch.ones(1, 1))[1][0].bias
    tensor([5.])
    """
    return attrs.evolve(net, bwd=partial(_directly, net, feedback))


def _directly(net: Layer[P, C], feedback: P, params: P, cache: C, error: Tensor) -> tuple[Tensor, P]:
    def direct(layer: AnyLayer, feedback: Any) -> AnyLayer:
        def bwd(params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
            return _through(feedback, (error.shape[-1], params.weight.shape[1]), error), weight_grads(params, x, dy)

        return attrs.evolve(layer, bwd=bwd) if layer.bwd is linear_bwd else layer

    return over_params(direct, net, feedback).bwd(params, cache, error)


def kolen_pollack(net: Layer[P, C], decay: float) -> Layer[tuple[P, P], C]:
    """The net of (params, feedback): `feedback_alignment`, and both learn by the same rule (Akrout et al., arXiv:1904.05391).

    Each pair W and B gets the same dy^T x, plus `decay` times itself. What tells them apart then shrinks with every step of `sgd`
    by 1 - rate decay, whatever the data are, and the gradients become those of backpropagation; no weights are ever read from W
    into B (Kolen and Pollack, 1994).

    Args:
        net: any net.
        decay: the weight decay, at least 0; with 0 the difference stays.

    Returns:
        A net to be trained as any other, on the pair (params, feedback) in the place of the params.

    Raises:
        ValueError: decay is negative or NaN; when called, no pair.

    >>> from pure_mlp import linear
    >>> pair = Linear(torch.ones(1, 1), torch.zeros(1)), Linear(torch.tensor([[5.0]]), torch.zeros(1))
    >>> dx, (grads, more) = kolen_pollack(linear, 0.1).bwd(pair, torch.ones(1, 1), torch.ones(1, 1))
    >>> dx, grads.weight, more.weight
    (tensor([[5.]]), tensor([[1.1000]]), tensor([[1.5000]]))
    """
    if not decay >= 0:
        raise ValueError(f"kolen_pollack: decay {decay}, expected >= 0")
    return Layer(partial(_kolen_pollack_fwd, net), partial(_kolen_pollack_bwd, net, decay))


def _kolen_pollack_fwd(net: Layer[P, C], pair: tuple[P, P], x: Tensor) -> tuple[Tensor, C]:
    given: object = pair
    if not isinstance(given, tuple) or len(given) != 2:
        raise ValueError(f"kolen_pollack: params of {layer_name(net)} alone, expected the pair (params, feedback)")
    return net.fwd(pair[0], x)


def _kolen_pollack_bwd(net: Layer[P, C], decay: float, pair: tuple[P, P], cache: C, dy: Tensor) -> tuple[Tensor, tuple[P, P]]:
    dx, grads = feedback_alignment(net, pair[1]).bwd(pair[0], cache, dy)

    def decayed(own: P) -> P:
        return tree_map(lambda g, p: g + decay * p, grads, own)

    return dx, (decayed(pair[0]), decayed(pair[1]))


def sign_symmetric(net: Layer[P, C], params: P) -> Layer[P, C]:
    """The net whose `linear` layers have dx = dy sign(W) instead of dy W (Liao et al., arXiv:1510.05067).

    Args:
        net: any net.
        params: its params, at any time: only their classes matter, the signs are those of the params of each pass.

    Returns:
        The net, with the same params, forward pass and caches.

    >>> from pure_mlp import linear
    >>> params = Linear(torch.tensor([[5.0, -7.0]]), torch.zeros(1))
    >>> sign_symmetric(linear, params).bwd(params, torch.ones(1, 2), torch.ones(1, 1))[0]
    tensor([[ 1., -1.]])
    """
    return over_params(_by_sign, net, params)


def _by_sign(layer: AnyLayer, params: Any) -> AnyLayer:
    return attrs.evolve(layer, bwd=_signed, bwd_jvp=None) if layer.bwd is linear_bwd else layer


def _signed(params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
    return torch.matmul(dy, signs(params.weight)), weight_grads(params, x, dy)


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
    return attrs.evolve(f, bwd=identity_bwd, bwd_jvp=None)
