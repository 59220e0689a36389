"""What in an input an output rests on: rules whose dx is an explanation. Their gradients train nothing."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar, cast

import attrs
import torch
from torch import Tensor

from pure_mlp.layer import Layer, Rule, layer_name, over
from pure_mlp.layers.linear import Linear, linear, linear_bottom_bwd, linear_bwd, linear_fwd
from pure_mlp.layers.relu import relu_bwd, relu_fwd
from pure_mlp.optim.lion import signs
from pure_mlp.quantities.per_layer import AnyLayer
from pure_mlp.registry.layers import row_of
from pure_mlp.shapes import check_cotangent

__all__ = ["guided_backpropagation", "relevance_propagation"]

P = TypeVar("P")
C = TypeVar("C")


def guided_backpropagation(net: Layer[P, C]) -> Layer[P, C]:
    """The net in which a `relu` passes dy where z > 0 and dy > 0 (Springenberg et al., arXiv:1412.6806).

    What speaks against an output is left out at every layer, so that dx shows what speaks for it. At the kink z = 0 nothing passes;
    a NaN does where z > 0. Other activations keep their slopes; `linear_bottom` becomes `linear`, which has a dx.

    Args:
        net: any net.

    Returns:
        The net, with the same params, forward pass and caches.

    >>> from pure_mlp import relu
    >>> guided_backpropagation(relu).bwd((), torch.tensor([0.0, 2.0, 2.0]), torch.tensor([5.0, 5.0, -5.0]))[0]
    tensor([0., 5., 0.])
    """
    return over(cast(Rule, _guided), net)


def _guided(layer: AnyLayer) -> AnyLayer:
    if layer.bwd is linear_bottom_bwd:
        return linear
    return attrs.evolve(layer, bwd=_guided_bwd, bwd_jvp=None) if layer.fwd is relu_fwd else layer


def _guided_bwd(params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
    return relu_bwd((), y, torch.relu(dy))


def relevance_propagation(net: Layer[P, C], eps: float = 1e-6) -> Layer[P, Any]:
    """The net whose x dx is the relevance of each input, if y dy is that of each output (epsilon-LRP; Bach et al., 2015).

    Layer by layer R_j = sum_k x_j w_kj / (z_k + eps sign z_k) R_k, z = x W^T + b, and an activation hands R on as it is. Written in
    dx = R / x, every layer has a backward pass of its usual form (Ancona et al., arXiv:1711.06104): a linear layer of
    dy z / (z + eps sign z), and an activation of the slope y / z in the place of dy/dz. So the parts of a sum get shares of it, and
    skip connections need no rule. With dy = 1 at one output and 0 at the others, its relevance is that output itself.

    Relevance is kept: y dy = x dx + the sum over layers of b db, up to eps. With eps = 0 and `relu` as the only activation x dx is
    input times gradient. A unit with z = 0 passes nothing. `linear_bottom` becomes `linear`, which has a dx.

    Args:
        net: linear layers, activations element by element, and combinators of them; the last one before a softmax, not with it.
        eps: at least 0; what it takes away from weak units keeps the shares of others small.

    Returns:
        The net, with the same params and forward pass; caches are others.

    Raises:
        ValueError: eps is negative or NaN; a layer that is neither linear nor element by element.

    >>> from pure_mlp import linear_bottom
    >>> params, x = Linear(torch.tensor([[1.0, -2.0]]), torch.tensor([5.0])), torch.tensor([[3.0, 1.0]])
    >>> x * relevance_propagation(linear_bottom, 0.0).bwd(params, x, torch.ones(1, 1))[0]
    tensor([[ 3., -2.]])
    """
    if not eps >= 0:
        raise ValueError(f"relevance_propagation: eps {eps}, expected >= 0")
    return over(cast(Rule, partial(_relevant, eps)), net)


def _relevant(eps: float, layer: AnyLayer) -> AnyLayer:
    if layer.fwd is linear_fwd:
        return attrs.evolve(linear, bwd=partial(_linear_shares, eps), bwd_jvp=None)
    row = row_of(layer)
    if row is None or not row.scalars:
        raise ValueError(f"relevance_propagation: no rule for {layer_name(layer)}, which is neither linear nor element by element")
    return Layer(partial(_keeping, layer), _activation_shares)


def _linear_shares(eps: float, params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
    z = linear_fwd(params, x)[0]
    check_cotangent(z, dy)
    return linear_bwd(params, x, dy * _over(z, z, eps))


def _keeping(f: AnyLayer, params: tuple[()], x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    y, _ = f.fwd(params, x)
    return y, (x, y)


def _activation_shares(params: tuple[()], cache: tuple[Tensor, Tensor], dy: Tensor) -> tuple[Tensor, tuple[()]]:
    z, y = cache
    check_cotangent(y, dy)
    return dy * _over(y, z, 0.0), ()


def _over(y: Tensor, z: Tensor, eps: float) -> Tensor:
    """y / (z + eps sign z), 0 where z = 0."""
    return torch.where(z == 0, 0.0, y / (z + eps * signs(z)))
