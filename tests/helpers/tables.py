"""The table of layers: every law of the tests runs over it, so that one more row buys all of it. (`loss_table` is that of losses.)

Inputs are drawn from a lattice, `lattice`, which every dtype down to bfloat16 holds exactly and which keeps away from the kinks:
differences may be taken anywhere, and results in two dtypes compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Layer, Linear

IN, OUT = 4, 3
LEADS: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (7,), (257,), (2, 3), (2, 0, 3), (2, 1, 2, 2))
"""Leading dimensions: none, batch 0, 1, odd, large, and several."""


def lattice(generator: Generator, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Odd multiples of 1/16 between -2 and 2: never 0."""
    return (2 * torch.randint(-16, 16, shape, generator=generator) + 1).to(dtype) / 16


def lattice_linear(generator: Generator, dtype: torch.dtype = torch.float64) -> Linear:
    """Params (OUT, IN) for which x W^T + b with x on the lattice stays at least 1/256 away from 0."""
    weight = torch.randint(-8, 9, (OUT, IN), generator=generator).to(dtype) / 8
    return Linear(weight, (2 * torch.randint(-64, 64, (OUT,), generator=generator) + 1).to(dtype) / 256)


def no_params(generator: Generator, dtype: torch.dtype = torch.float64) -> tuple[()]:
    """The record of a layer without params."""
    return ()


class Row(NamedTuple):
    """One layer.

    - name: for test ids.
    - layer: the layer itself.
    - reference: (params, x) -> y in torch's own functions; autograd through it is the oracle.
    - params: (generator, dtype) -> params.
    - shared: which outputs share storage with which arguments, as "output is argument" (a nested output by its dotted path).
    - scalars: whether x may have no dimension at all; the others need a last dimension.
    - fixed_width: whether the last dimension of x must be IN, since the params are `Linear`; the others take any.
    - has_dx: False for a layer that computes grads only, `linear_bottom`.
    - to_the_bit: whether y equals the reference exactly.
    """

    name: str
    layer: Layer[Any, Any]
    reference: Callable[[Any, Tensor], Tensor]
    params: Callable[[Generator, torch.dtype], Any] = no_params
    shared: frozenset[str] = frozenset()
    scalars: bool = True
    fixed_width: bool = False
    has_dx: bool = True
    to_the_bit: bool = True

    def input_shapes(self) -> list[tuple[int, ...]]:
        """Every shape of x that the laws are tried on."""
        return [(*lead, IN) for lead in LEADS] + ([()] if self.scalars else [])

    def draw(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Any, Tensor, Tensor]:
        """Params, x of this shape, and a dy that fits."""
        g = Generator().manual_seed(seed)
        params, x = self.params(g, dtype), lattice(g, *shape, dtype=dtype)
        return params, x, lattice(g, *self.reference(params, x).shape, dtype=dtype)


def elementwise(name: str, layer: Layer[Any, Any], reference: Callable[[Tensor], Tensor], **flags: Any) -> Row:
    return Row(name, layer, lambda params, x: reference(x), **flags)


def affine(p: Linear, x: Tensor) -> Tensor:
    return F.linear(x, p.weight, p.bias)


def affine_row(name: str, layer: Layer[Any, Any], f: Callable[[Tensor], Tensor], shared: str, **flags: Any) -> Row:
    return Row(
        name, layer, lambda p, x: f(affine(p, x)), lattice_linear, frozenset({shared}), scalars=False, fixed_width=True, **flags
    )


CACHES_X = frozenset({"cache is x"})

LAYERS = [
    affine_row("linear", pm.linear, torch.clone, "cache is x"),
    affine_row("linear_bottom", pm.linear_bottom, torch.clone, "cache is x", has_dx=False),
    affine_row("dense(identity)", pm.dense(pm.identity), torch.clone, "cache.0 is x"),
    affine_row("dense(relu)", pm.dense(pm.relu), torch.relu, "cache.0 is x"),
    affine_row("dense(sigmoid)", pm.dense(pm.sigmoid), torch.sigmoid, "cache.0 is x"),
    affine_row("dense(gelu)", pm.dense(pm.gelu), F.gelu, "cache.0 is x"),
    affine_row("dense(relu, linear_bottom)", pm.dense(pm.relu, pm.linear_bottom), torch.relu, "cache.0 is x", has_dx=False),
    elementwise("identity", pm.identity, torch.clone, shared=frozenset({"y is x", "cache is x", "dx is dy"})),
    elementwise("relu", pm.relu, torch.relu),
    elementwise("leaky_relu()", pm.leaky_relu(), F.leaky_relu),
    elementwise("leaky_relu(0.3)", pm.leaky_relu(0.3), lambda x: F.leaky_relu(x, 0.3)),
    elementwise("leaky_relu(0)", pm.leaky_relu(0.0), lambda x: F.leaky_relu(x, 0.0)),
    elementwise("sigmoid", pm.sigmoid, torch.sigmoid),
    elementwise("tanh", pm.tanh, torch.tanh),
    elementwise("softplus()", pm.softplus(), F.softplus, to_the_bit=False),
    elementwise("softplus(2.5)", pm.softplus(2.5), lambda x: F.softplus(x, 2.5), to_the_bit=False),
    elementwise("gelu", pm.gelu, F.gelu, shared=CACHES_X),
    elementwise("gelu_tanh", pm.gelu_tanh, lambda x: F.gelu(x, approximate="tanh"), shared=CACHES_X),
    elementwise("silu", pm.silu, F.silu, shared=CACHES_X),
    elementwise("softmax", pm.softmax, lambda x: torch.softmax(x, -1), scalars=False),
]
