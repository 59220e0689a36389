"""What `check` differentiates: every layer, combinator and loss of the library, or a net with its loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar, get_args

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.combinators.dense import dense
from pure_mlp.combinators.embed_columns import embed_columns
from pure_mlp.combinators.fan_sum import fan_sum
from pure_mlp.combinators.parallel import parallel
from pure_mlp.combinators.remat import remat
from pure_mlp.combinators.residual import residual
from pure_mlp.combinators.scored import scored
from pure_mlp.combinators.serial import serial
from pure_mlp.layer import Layer, layer_name
from pure_mlp.layers.embedding import embedding_init
from pure_mlp.layers.inits import linear_init
from pure_mlp.layers.linear import linear
from pure_mlp.layers.relu import relu
from pure_mlp.layers.tanh import tanh
from pure_mlp.losses.mse import mse
from pure_mlp.losses.reduction import Reduction
from pure_mlp.perceptron import mlp
from pure_mlp.record import tree_items, tree_like
from pure_mlp.registry.functions import ACTIVATIONS, LOSSES
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.loss_row import LossRow
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.samples import WIDTH
from pure_mlp.signatures import Loss
from pure_mlp.train.step import value_and_grad

P = TypeVar("P")
C = TypeVar("C")


@attrs.frozen(eq=False)
class Case:
    """A gradient to be checked: dJ/d`of` of `what` at the point, where J = value(point), all in float64."""

    what: str
    of: str
    value: Callable[[Tensor], Tensor]
    point: Tensor
    gradient: Tensor


def layer_cases(what: str, layer: Layer[P, C], params: P, x: Tensor, generator: Generator, dx: bool = True) -> Iterator[Case]:
    """Of J = sum dy * layer(params, x), with dy drawn from the generator: one case for x, if `dx`, and one a tensor of params.

    >>> from pure_mlp import relu
    >>> [case.of for case in layer_cases("relu", relu, (), torch.ones(2, 3), Generator())]
    ['x']
    """
    y, cache = layer.fwd(params, x)
    dy = torch.randn(y.shape, generator=generator, dtype=y.dtype)
    computed, grads = layer.bwd(params, cache, dy)
    if dx:
        yield Case(what, "x", lambda t: (layer.fwd(params, t)[0] * dy).sum(), x, computed)
    yield from _params_cases(what, params, grads, lambda p: (layer.fwd(p, x)[0] * dy).sum())


def _params_cases(what: str, params: P, grads: P, value: Callable[[P], Tensor]) -> Iterator[Case]:
    items, gradients = [*tree_items(params)], [g for _, g in tree_items(grads)]
    leaves = [leaf for _, leaf in items]

    def at(i: int, t: Tensor) -> Tensor:
        return value(tree_like(params, [*leaves[:i], t, *leaves[i + 1 :]]))

    for i, (name, leaf) in enumerate(items):
        yield Case(what, name, partial(at, i), leaf, gradients[i])


def loss_case(what: str, loss: Loss, y: Tensor, y_hat: Tensor) -> Case:
    """Of the sum of the loss, which for the reduction none is a tensor.

    >>> loss_case("mse", mse, torch.zeros(2), torch.ones(2)).gradient
    tensor([1., 1.])
    """
    return Case(what, "y_hat", lambda t: loss(y, t)[0].sum(), y_hat, loss(y, y_hat)[1])


def all_cases(generator: Generator) -> Iterator[Case]:
    """Every layer and combinator at points away from the kinks, and every loss with every reduction it takes.

    >>> {case.what for case in all_cases(Generator())} >= {"linear", "gelu", "residual", "bce (mean)"}
    True
    """
    x = torch.randn(4, 5, generator=generator, dtype=torch.float64)
    x = x + 0.1 * x.sign()
    p, q = (linear_init(5, 5, generator, torch.float64) for _ in range(2))
    for name, row in LAYER_ROWS.items():
        params, sample, _ = row.draw((4, WIDTH))
        yield from layer_cases(name, ACTIVATIONS.get(row.word, row.layer), params, sample, generator, row.has_dx)
    yield from layer_cases("serial", serial(linear, tanh, linear), (p, (), q), x, generator)
    yield from layer_cases("dense", dense(tanh), p, x, generator)
    bend = attrs.evolve(p, bias=p.bias + torch.tensor([10, -10, 10, -10, 10]))
    yield from layer_cases("dense (fused relu)", dense(relu), bend, x, generator)
    yield from layer_cases("fan_sum", fan_sum(linear, serial(linear, tanh)), (p, (q, ())), x, generator)
    yield from layer_cases("residual", residual(serial(linear, tanh)), (p, ()), x, generator)
    yield from layer_cases("parallel", parallel(linear, tanh), (p, ()), x, generator)
    tables, places = (embedding_init(3, 2, generator, torch.float64),), torch.tensor([[2.0], [0], [2], [1]], dtype=torch.float64)
    yield from layer_cases("embed_columns", embed_columns(1), tables, torch.cat((x, places), 1), generator)
    yield from layer_cases("remat", remat(serial(linear, tanh)), (p, ()), x, generator)
    yield from layer_cases("scored", scored(mse, torch.ones_like(x)), (), x, generator)

    for loss in LOSS_ROWS.values():
        for sample_row in loss.samples():
            name, _, variant = sample_row.name.partition("(")
            for reduction in get_args(Reduction):
                said = ", ".join(filter(None, (reduction, variant.rstrip(")"))))
                yield loss_case(f"{name} ({said})", partial(_reduced, sample_row, reduction), *sample_row.draw((4, WIDTH)))


def _reduced(row: LossRow, reduction: Reduction, y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
    return row.loss(y, y_hat, reduction)


def net_cases(hidden: Sequence[int], f: str, g: str, loss: str, generator: Generator) -> Iterator[Case]:
    """The loss and each tensor of params of the net 8 -> hidden -> 3 with the activations f and g, on three examples.

    The examples are those of a thousand random ones whose units stay farthest from 0, where f or g may have a kink.

    >>> [case.of for case in net_cases([4], "tanh", "sigmoid", "bce", Generator())]
    ['y_hat', 'weight', 'bias', 'weight', 'bias']
    """
    sizes = (8, *hidden, 3)
    net, params = mlp(sizes, generator, ACTIVATIONS[f], ACTIVATIONS[g], dtype=torch.float64)
    candidates = h = torch.randn(1000, 8, generator=generator, dtype=torch.float64)
    margin = torch.full((1000,), torch.inf, dtype=torch.float64)
    for p in params:
        z = linear.fwd(p, h)[0]
        margin, h = torch.minimum(margin, z.abs().amin(1)), ACTIVATIONS[f].fwd((), z)[0]
    x = candidates[margin.topk(3).indices]

    indices = torch.randint(3, (3,), generator=generator)
    y = indices if loss == "cross_entropy" else torch.rand(3, 3, generator=generator, dtype=torch.float64)
    yield loss_case(loss, LOSSES[loss], y, net.fwd(params, x)[0])
    grads = value_and_grad(net, LOSSES[loss])(params, x, y)[1]
    names = [f] * len(hidden) + [g]
    for case in _params_cases("", params, grads, lambda p: LOSSES[loss](y, net.fwd(p, x)[0])[0]):
        layer, tensor = case.of.split(".")
        yield attrs.evolve(case, what=f"layer {layer} ({layer_name(linear)}, {names[int(layer)]})", of=tensor)
