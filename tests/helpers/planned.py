"""What the tests of plans share: data, training steps, and the comparison of a planned fold with the pure one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp._compile.c.compiler import compiler
from pure_mlp.record import tree_leaves, tree_map
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.loss_row import LossRow
from pure_mlp.train.fold import fold

F64 = torch.float64
Batches = list[tuple[Tensor, Tensor]]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=F64)


def pieces(n_in: int, n_out: int, sizes: tuple[int, ...] = (10, 10, 10, 10)) -> Batches:
    return [(draw(n, n_in, seed=i), draw(n, n_out, seed=100 + i)) for i, n in enumerate(sizes)]


def pure(step: Callable[..., Any], carry: Any, batches: Batches) -> tuple[Any, Tensor]:
    losses = []
    for batch in batches:
        carry, loss = step(carry, batch)
        losses.append(loss)
    return carry, torch.stack(losses)


def same(step: Callable[..., Any], carry: Any, batches: Batches, *, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    """The fold by a plan gives the carry and the losses of the fold of pure steps, and the carry given is as it was."""
    kept = tree_map(torch.clone, carry)
    expected, losses = pure(step, carry, batches)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got, planned_losses = fold(step)(carry, batches)
    for mine, theirs in zip([*tree_leaves(got), planned_losses], [*tree_leaves(expected), losses], strict=True):
        assert mine.dtype == theirs.dtype
        torch.testing.assert_close(mine, theirs, rtol=rtol, atol=atol)
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(carry), tree_leaves(kept)))


def stepped(step: Callable[..., Any], carry: Any, batches: list[Any], engine: pm.Engine) -> pm.Plan[Any, Any]:
    """A plan on this engine that has made the losses and the carry of the pure steps."""
    if engine == "native" and compiler() is None:
        pytest.skip("there is no C compiler")
    expected, losses = pure(step, carry, batches)
    planned = pm.Plan(step, carry, batches[0], engine=engine)
    made = [planned.step(batch) for batch in batches]
    torch.testing.assert_close(torch.tensor(made, dtype=losses.dtype), losses, rtol=1e-11, atol=0)
    torch.testing.assert_close(tree_leaves(planned.carry()), tree_leaves(expected), rtol=1e-10, atol=1e-12)
    return planned


def training(net: Any, params: Any, loss: Any, optimizer: Any) -> tuple[Callable[..., Any], Any]:
    return pm.training_step(net, loss, optimizer), (params, optimizer.init(params))


def deep(layers: int, optimizer: Any, width: int = 6) -> tuple[Callable[..., Any], Any]:
    net, params = pm.mlp((width,) * (layers + 1), Generator().manual_seed(0), dtype=F64)
    return training(net, params, pm.mse, optimizer)


MIDDLE = {name: row for name, row in LAYER_ROWS.items() if row.params is None}
"""The rows of layers that may stand between two linear ones."""


def around(name: str, n_in: int, width: int, n_out: int) -> Any:
    """First params of a layer of `MIDDLE` and of the linear layers before and after it, in float64."""
    row = MIDDLE[name]
    _, x, dy = row.draw((1, 4))
    parts = x.shape[-1] // dy.shape[-1]  # how many the layer makes one of: halves, thirds
    width += -width % parts
    params = tree_map(Tensor.double, row.init(width)) if row.init else ()
    return affine(n_in, width), params, affine(width // parts, n_out, 1)


def loss_of(row: LossRow) -> Callable[..., tuple[Tensor, Tensor]]:
    """The loss of a row, of any numbers z: where it takes probabilities, of sigmoid(z)."""
    return (lambda y, z, *reduction: row.loss(y, torch.sigmoid(z), *reduction)) if row.takes == "probabilities" else row.loss


def labelled(row: LossRow, batches: Batches) -> Batches:
    """The batches with labels that the loss of a row takes."""
    return [(x, row.labels(Generator().manual_seed(i), tuple(y.shape), y.dtype)) for i, (x, y) in enumerate(batches)]


def affine(n_in: int, n_out: int, seed: int = 0) -> pm.Linear:
    return pm.linear_init(n_in, n_out, Generator().manual_seed(seed), F64)
