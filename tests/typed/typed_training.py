"""The types that mypy and pyright infer for trees, optimizers and training. Nothing here runs."""

from collections.abc import Callable

import attrs
import torch
from torch import Generator, Tensor
from typing_extensions import assert_type

from pure_mlp import (
    Batch,
    Epoch,
    Layer,
    Linear,
    State,
    Step,
    adam,
    chain,
    clip_by_global_norm,
    fit,
    linear,
    linear_bottom,
    mse,
    relu,
    serial,
    training_step,
    tree_leaves,
    tree_like,
    tree_map,
    tree_zeros,
    value_and_grad,
)

Params = tuple[Linear, tuple[()], Linear]
Carry = tuple[Params, State[Params]]


def trees(params: Params, grads: Params) -> None:
    assert_type(tree_map(torch.relu, params), Params)
    assert_type(tree_map(lambda p, g: p - 0.1 * g, params, grads), Params)
    assert_type(tree_leaves(params), list[Tensor])
    assert_type(tree_like(params, tree_leaves(grads)), Params)
    assert_type(tree_zeros(params), Params)
    assert_type(attrs.evolve(params[0], bias=params[2].bias), Linear)


def optimizers(params: Params, grads: Params) -> None:
    optimizer = chain(clip_by_global_norm(1.0), adam(1e-3))
    state = optimizer.init(params)
    assert_type(state, State[Params])
    assert_type(state.slots, tuple[Params, ...])
    assert_type(optimizer.update(params, grads, state), Carry)


def training(params: Params, data: Batch, generator: Generator) -> None:
    net, optimizer = serial(linear_bottom, relu, linear), adam()
    step = training_step(net, mse, optimizer)
    assert_type(step, Step[Carry, Batch])
    assert_type(step, Callable[[Carry, Batch], tuple[Carry, Tensor]])
    carry, history = fit(step, (params, optimizer.init(params)), data, epochs=1, batch=2, generator=generator)
    assert_type(carry, Carry)
    assert_type(history, list[Epoch[Carry]])
    assert_type(history[0].carry[0][2].weight, Tensor)
    assert_type(value_and_grad(net, mse)(params, *data), tuple[Tensor, Params])


def swapped_backward() -> None:
    def bwd(params: Linear, cache: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
        return dy, params

    assert_type(attrs.evolve(linear, bwd=bwd), Layer[Linear, Tensor])
