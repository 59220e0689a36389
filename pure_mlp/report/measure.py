"""What a run says of itself at one moment: its gradient, layer by layer, its weights, the curvature of its loss."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

import torch
from torch import Generator, Tensor

from pure_mlp.layer import Layer
from pure_mlp.quantities.angles import angles
from pure_mlp.quantities.hvp import hvp
from pure_mlp.quantities.lanczos import top_eigenvalues
from pure_mlp.record import tree_leaves, tree_map
from pure_mlp.signatures import Loss

__all__ = ["angles_between", "by_layer", "norms", "sharpest", "singular_values"]

P = TypeVar("P")
C = TypeVar("C")


def by_layer(grads: Sequence[object]) -> tuple[Tensor, ...]:
    """The gradient of each layer as one vector.

    >>> from pure_mlp import Linear
    >>> by_layer((Linear(torch.zeros(1, 2), torch.ones(1)),))
    (tensor([0., 0., 1.]),)
    """
    return tuple(torch.cat([leaf.flatten() for leaf in tree_leaves(layer)]) for layer in grads)


def norms(vectors: Sequence[Tensor]) -> tuple[float, ...]:
    """|v| of each.

    >>> norms([torch.tensor([3.0, 4.0])])
    (5.0,)
    """
    return tuple(torch.linalg.vector_norm(v).item() for v in vectors)


def angles_between(vectors: tuple[Tensor, ...], others: tuple[Tensor, ...]) -> tuple[float, ...]:
    """The angle in degrees between each vector and the other one, as `angles`: NaN where one is zero.

    >>> angles_between((torch.tensor([1.0, 0.0]),), (torch.tensor([0.0, 2.0]),))
    (90.0,)
    """
    return tuple(angle.item() for angle in angles(vectors, others))


def singular_values(weight: Tensor) -> list[float]:
    """The singular values of a matrix, largest first.

    >>> singular_values(torch.diag(torch.tensor([1.0, 3.0])))
    [3.0, 1.0]
    """
    values: list[float] = torch.linalg.svdvals(weight).tolist()
    return values


def sharpest(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor, count: int = 5, steps: int = 40) -> list[float]:
    """The `count` largest eigenvalues of the Hessian of the loss by the params, by `steps` products with it in float64.

    Raises `ValueError` as `hvp`.

    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> params = Linear(torch.tensor([[2.0]]), torch.zeros(1))
    >>> [round(value, 6) for value in sharpest(linear_bottom, mse, params, torch.tensor([[3.0], [-3.0]]), torch.zeros(2, 1))]
    [18.0, 2.0]
    """
    wide = tree_map(_double, params)
    gradient_and_product = partial(hvp(net, loss), wide, _double(x), _double(y))
    eigenvalues = top_eigenvalues(lambda v: gradient_and_product(v)[1], wide, Generator().manual_seed(0), count, steps)
    values: list[float] = eigenvalues.tolist()
    return values


def _double(t: Tensor) -> Tensor:
    return t.double() if t.is_floating_point() else t
