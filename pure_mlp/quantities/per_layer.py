"""Rules that compute another quantity in the place of the gradients of each layer that has params."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import attrs
import torch
from torch import Tensor
from torch.func import vmap

from pure_mlp.combinators.ensemble import Ensemble
from pure_mlp.layer import Layer, Rule, composition, layer_name, over
from pure_mlp.layers.embedding import Embedding, embedding_fwd
from pure_mlp.layers.linear import NO_DX, Linear, linear_bottom_bwd, linear_bwd, linear_fwd
from pure_mlp.record import tree_leaves, tree_map
from pure_mlp.registry.layers import row_of
from pure_mlp.shapes import spec

__all__ = ["AnyLayer", "ParamsRule", "Quantity", "by_formula", "over_examples", "over_params", "refuse_ensembles", "remembering"]

P = TypeVar("P")
C = TypeVar("C")
AnyLayer: TypeAlias = Layer[Any, Any, Any, Any]


class ParamsRule(Protocol):
    """A function from a layer with params, and a tree of their type, to a layer of the same type."""

    def __call__(self, layer: AnyLayer, params: Any, /) -> AnyLayer:
        """Another layer in the place of this one."""
        ...


def over_params(rule: ParamsRule, net: Layer[P, C], params: P) -> Layer[P, Any]:
    """`over` for the primitive layers that have params; the others stay, and with them the fused kernels.

    Raises `ValueError` for params of another number of layers.

    >>> import torch
    >>> from pure_mlp import relu, serial, linear, linear_init
    >>> params = (linear_init(2, 3, torch.Generator()), ())
    >>> over_params(lambda layer, p: relu, serial(linear, relu), params)
    serial
      relu
      relu
    """
    made = composition(net)
    if made is None:
        return rule(net, params) if tree_leaves(params) else net
    parts, split = made.parts(), made.split(params)
    if len(parts) != len(split):
        raise ValueError(f"{made.name}: {len(parts)} layers, {len(split)} params")
    return made.rebuilt(*[over_params(rule, part, p) for part, p in zip(parts, split)])


def over_examples(rule: ParamsRule, net: Layer[P, C], params: P) -> Layer[P, Any]:
    """`over_params` of a net whose inputs are batches: layers of places, as `attention`, refuse one example alone.

    >>> from pure_mlp import attention
    >>> over_examples(lambda layer, p: layer, attention(), ()).fwd((), torch.ones(5, 3))
    Traceback (most recent call last):
    ValueError: attention: input (5, 3) float32 is one example, expected a batch of them
    """
    return over_params(rule, over(cast(Rule, _batched), net), params)


def _batched(layer: AnyLayer) -> AnyLayer:
    row = row_of(layer)
    return attrs.evolve(layer, fwd=partial(_batched_fwd, layer, len(row.example))) if row and len(row.example) > 1 else layer


def _batched_fwd(layer: AnyLayer, dims: int, params: Any, x: Tensor) -> tuple[Any, Any]:
    if x.dim() <= dims:
        raise ValueError(f"{layer_name(layer)}: input {spec(x)} is one example, expected a batch of them")
    return layer.fwd(params, x)


def refuse_ensembles(net: AnyLayer, why: str) -> None:
    """Raises `ValueError` where an `ensemble` is in the net.

    >>> from pure_mlp import relu
    >>> refuse_ensembles(relu, "none here")
    """
    made = composition(net)
    if isinstance(made, Ensemble):
        raise ValueError(why)
    for part in made.parts() if made else ():
        refuse_ensembles(part, why)


@attrs.frozen(eq=False)
class Quantity:
    """What stands in the place of the gradients, as a rule for `over_params`.

    linear: of a `linear` layer or an `embedding`, from the rows x (B, T, in) and dy (B, T, out) of its B examples, T rows each.
    formed: of any other layer, from one leaf (B, ..) of the gradients of its examples, which are formed one by one.
    """

    linear: Callable[[Tensor, Tensor], Linear]
    formed: Callable[[Tensor], Tensor]

    def __call__(self, layer: AnyLayer, params: Any, /) -> AnyLayer:
        """The layer whose backward pass computes this in the place of the gradients."""
        if layer.fwd is linear_fwd:
            return attrs.evolve(layer, bwd=partial(by_formula, self.linear, layer))
        if layer.fwd is embedding_fwd:
            return attrs.evolve(layer, bwd=partial(_by_one_hot, self.linear))
        row = row_of(layer)
        if row and not row.independent:
            raise ValueError(f"{layer_name(layer)} mixes the examples of a batch: none has a gradient of its own")
        return Layer(partial(_remember, layer), partial(_by_forming, self.formed, layer))


def remembering(layer: AnyLayer, params: Any, /) -> AnyLayer:
    """The layer with the cache that it has under a `Quantity`: both backward passes may follow one forward pass.

    >>> from pure_mlp import linear
    >>> remembering(linear, ()) is linear
    True
    """
    return layer if layer.fwd in (linear_fwd, embedding_fwd) else Layer(partial(_remember, layer), partial(_plainly, layer))


def by_formula(formula: Callable[[Tensor, Tensor], object], layer: AnyLayer, params: Linear, x: Tensor, dy: Tensor) -> Any:
    """The backward pass of a `linear` layer with formula(x (B, T, in), dy (B, T, out)) in the place of its gradients.

    >>> from pure_mlp import linear_bottom
    >>> params, rows = Linear(torch.ones(1, 1), torch.zeros(1)), torch.ones(2, 1)
    >>> by_formula(lambda x, dy: (x.shape, dy.shape), linear_bottom, params, rows, rows)[1]
    (torch.Size([2, 1, 1]), torch.Size([2, 1, 1]))
    """
    if dy.dim() < 2 or x.shape[:-1] != dy.shape[:-1]:
        raise ValueError(f"input {spec(x)}, dy {spec(dy)}: expected a batch of examples in the first dimension of both")
    if layer.bwd is linear_bwd or layer.bwd is linear_bottom_bwd:
        dx = torch.matmul(dy, params.weight) if layer.bwd is linear_bwd else NO_DX
    else:
        dx = layer.bwd(params, x, dy)[0]
    return dx, formula(_rows(x), _rows(dy))


def _by_one_hot(formula: Callable[[Tensor, Tensor], Linear], params: Embedding, x: Tensor, dy: Tensor) -> Any:
    """An embedding is a linear layer of one-hot rows, without bias and with its weight transposed: x and dy change places."""
    if x.dim() < 1 or x.shape != dy.shape[:-1]:
        raise ValueError(f"input {spec(x)}, dy {spec(dy)}: expected a batch of examples in the first dimension of both")
    hot = x.unsqueeze(-1).flatten(1).unsqueeze(-1) == torch.arange(len(params.weight), device=x.device)
    return NO_DX, Embedding(formula(_rows(dy), hot.to(dy.dtype)).weight)


def _rows(t: Tensor) -> Tensor:
    return t.unsqueeze(1) if t.dim() == 2 else t.flatten(1, -2)


def _remember(layer: AnyLayer, params: Any, x: Any) -> tuple[Any, Any]:
    y, cache = layer.fwd(params, x)
    return y, (x, cache)


def _plainly(layer: AnyLayer, params: Any, cache: tuple[Any, Any], dy: Any) -> tuple[Any, Any]:
    return layer.bwd(params, cache[1], dy)


def _by_forming(formed: Callable[[Tensor], Tensor], layer: AnyLayer, params: Any, cache: tuple[Any, Any], dy: Any) -> Any:
    """Each example by itself, as a batch of one, by `vmap`."""
    x, kept = cache
    dx, grads = layer.bwd(params, kept, dy)
    if not isinstance(x, Tensor) or x.dim() < 1 or x.shape[:1] != dy.shape[:1]:
        raise ValueError(f"{layer_name(layer)}: expected tensors with a batch of examples in the first dimension")
    if len(x) == 0:
        return dx, tree_map(lambda g: formed(g.new_zeros(0, *g.shape)), grads)

    def alone(x: Tensor, dy: Tensor) -> Any:
        _, kept = layer.fwd(params, x.unsqueeze(0))
        return layer.bwd(params, kept, dy.unsqueeze(0))[1]

    return dx, tree_map(formed, vmap(alone)(x, dy))
