"""The multilayer perceptron: net and params in one line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Generator, Tensor

from pure_mlp.combinators.dense import dense
from pure_mlp.combinators.serial import serial
from pure_mlp.layer import Activation, Layer
from pure_mlp.layers.identity import identity
from pure_mlp.layers.inits import Device, Init, linear_init
from pure_mlp.layers.linear import Linear, linear, linear_bottom
from pure_mlp.layers.relu import relu
from pure_mlp.shapes import spec

__all__ = ["MLP", "mlp"]

MLP: TypeAlias = Layer[tuple[Linear, ...], tuple[tuple[Tensor, Tensor], ...], Tensor, Tensor]
"""A net of dense layers: params one `Linear` a layer, cache one pair (input, cache of the activation) a layer."""


def mlp(
    sizes: Sequence[int],
    generator: Generator,
    f: Activation = relu,
    g: Activation = identity,
    *,
    init: Init = linear_init,
    dtype: torch.dtype = torch.float32,
    device: Device = "cpu",
) -> tuple[MLP, tuple[Linear, ...]]:
    """Linear_1 -> f -> .. -> Linear_n -> g (handout 1.1), and params drawn by `init`, layer by layer.

    Layer i is a `dense` layer from sizes[i] to sizes[i+1]. The first one computes no dx.

    Args:
        sizes: the widths from input to output, two at least.
        generator: what the params are drawn from.
        f: the activation of every layer but the last.
        g: the activation of the last layer.
        init: draws the params of a layer.
        dtype: of the params.
        device: of the params.

    Returns:
        The net, and its params: one `Linear` a layer.

    Raises:
        ValueError: too few sizes, or one below 1; the message names the layer.

    >>> net, params = mlp((64, 32, 10), Generator().manual_seed(0))
    >>> [tuple(p.weight.shape) for p in params], net.fwd(params, torch.ones(5, 64))[0].shape
    ([(32, 64), (10, 32)], torch.Size([5, 10]))
    """
    given: object = sizes
    if not isinstance(given, Sequence) or len(sizes) < 2:
        raise ValueError(f"mlp: sizes {sizes!r}, expected widths from input to output, two at least")
    for i, pair in enumerate(pairwise(sizes)):
        if not all(hasattr(n, "__index__") and n >= 1 for n in pair):
            raise ValueError(f"mlp: layer {i} (dense) from {pair[0]} to {pair[1]}, expected whole numbers of at least 1")
    if not callable(init):
        raise ValueError(f"mlp: an init that is {spec(init)}, expected one such as linear_init")
    activations = [f] * (len(sizes) - 2) + [g]
    affine = [linear_bottom] + [linear] * (len(sizes) - 2)
    net = serial(*[dense(a, l) for a, l in zip(activations, affine)])
    return net, tuple(init(n_in, n_out, generator, dtype, device) for n_in, n_out in pairwise(sizes))
