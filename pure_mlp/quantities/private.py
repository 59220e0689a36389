"""Clipped and noisy gradients for differentially private training (Abadi et al., arXiv:1607.00133)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, TypeVar, cast

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.layer import Layer
from pure_mlp.layers.inits import check_draw
from pure_mlp.layers.linear import linear_bottom_bwd, linear_bwd
from pure_mlp.losses.mass import mass
from pure_mlp.quantities.examples import NORMS
from pure_mlp.quantities.per_layer import AnyLayer, over_examples, refuse_ensembles, remembering
from pure_mlp.record import tree_leaves, tree_like, tree_map
from pure_mlp.shapes import spec
from pure_mlp.signatures import Loss

__all__ = ["clipped_grads", "noised", "private_grads"]

P = TypeVar("P")
C = TypeVar("C")


def clipped_grads(net: Layer[P, C], loss: Loss, limit: float) -> Callable[[P, Tensor, Tensor], tuple[Tensor, P]]:
    """`(params, x, y) -> (J, sum_b h_b min(1, limit / |h_b|))`, h_b the gradient of the loss of example b alone.

    One forward and one backward pass, with memory O(B): the backward pass leaves the norms of h_b, which is not formed, and the
    cotangents; then every layer forms its gradients once, with the rows of its dy scaled. The examples' own losses are those whose
    sum the loss stands for (`mass`), whatever its reduction: a mean over the batch does not shrink them. Sums over parts of a batch
    may be added up. A norm of 0 is not clipped; NaN stays NaN.

    Args:
        net: any net of tensors, which treats examples (rows of x along the first dimension) independently.
        loss: a loss of one number, mean or sum.
        limit: the largest norm of one example's gradient over all params, above 0.

    Returns:
        The function. J is that of the batch, and not private.

    Raises:
        ValueError: limit is not above 0; when called, if J is not one number, and for an `ensemble`: take `vmap` of the function.

    >>> import torch
    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> params, x = Linear(torch.tensor([[1.0]]), torch.zeros(1)), torch.tensor([[0.0], [1e6]])
    >>> clipped_grads(linear_bottom, mse, 1.0)(params, x, torch.zeros(2, 1))[1].weight
    tensor([[1.]])
    """
    return partial(_clipped, net, loss, _checked(limit), 1.0)


def _checked(limit: float) -> float:
    if not limit > 0:
        raise ValueError(f"clipped_grads: limit {limit}, expected > 0")
    return limit


def _clipped(net: Layer[P, C], loss: Loss, limit: float, share: float, params: P, x: Tensor, y: Tensor) -> tuple[Tensor, P]:
    """J, and the clipped sum times `share`."""
    refuse_ensembles(net, "clipped_grads: each member of an ensemble clips its own: take vmap of the function")
    keeping = over_examples(_keeping, net, params)
    y_hat, cache = keeping.fwd(params, x)
    J, dy_hat = loss(y, y_hat)
    if J.dim():
        raise ValueError(f"clipped_grads: the loss gives J {spec(J)}, expected one number: a mean or a sum")
    kept = keeping.bwd(params, cache, dy_hat * mass(loss, y)[0])[1]
    layers = cast("list[_Kept]", tree_leaves(kept))
    if not layers:
        return J, kept
    norms = torch.stack([layer.squares for layer in layers]).sum(0).sqrt()
    factor = (limit / norms).clamp(max=1.0) * share
    return J, tree_like(kept, [layer.grads(factor) for layer in layers])


@attrs.frozen(eq=False)
class _Kept:
    """In the place of a layer's gradients: |h_b|^2 over its params, (B,), and its gradients for factors of the examples, (B,)."""

    squares: Tensor
    grads: Callable[[Tensor], Any]


def _keeping(layer: AnyLayer, params: Any, /) -> AnyLayer:
    measured = NORMS(layer, params)
    plain = linear_bottom_bwd if layer.bwd is linear_bwd else remembering(layer, params).bwd  # its dx is known

    def bwd(params: Any, cache: Any, dy: Tensor) -> tuple[Any, _Kept]:
        dx, norms = measured.bwd(params, cache, dy)
        return dx, _Kept(torch.stack(tree_leaves(norms)).sum(0), partial(_weighted, plain, params, cache, dy))

    return attrs.evolve(measured, bwd=bwd)


def _weighted(bwd: Callable[..., Any], params: Any, cache: Any, dy: Tensor, factor: Tensor) -> Any:
    rows = factor.to(dy.dtype).view([len(factor)] + [1] * (dy.dim() - 1))
    return bwd(params, cache, dy * rows)[1]


def noised(tree: P, deviation: float, generator: Generator) -> P:
    """Every number plus a draw from N(0, deviation^2), leaf after leaf: the same generator state gives the same bits.

    Raises `ValueError` for what is no generator.

    >>> noised((torch.zeros(2),), 0.0, Generator().manual_seed(0))
    (tensor([0., 0.]),)
    """
    check_draw("noised", generator, torch.float32)

    def draw(t: Tensor) -> Tensor:
        return torch.normal(0.0, deviation, t.shape, generator=generator, dtype=t.dtype, device=t.device).add_(t)

    return tree_map(draw, tree)


def private_grads(
    net: Layer[P, C], loss: Loss, limit: float, noise: float, expected_batch: float
) -> Callable[[P, Tensor, Tensor, Generator], tuple[Tensor, P]]:
    """`(params, x, y, generator) -> (J, (clipped sum + noise limit N(0, 1)) / expected_batch)`: the gradients of DP-SGD.

    The batch is meant to be drawn by Poisson sampling, as `poisson_batches` does: each example with one probability, on its own.
    Its size is then private, which is why the expected size divides, and why an empty batch (x of no rows) gives noise as any other
    does. `epsilon_spent` turns noise, the probability and the number of steps into the privacy that a run spends.

    Args:
        net: any net of tensors, which treats examples independently.
        loss: a loss of one number.
        limit: the largest norm of one example's gradient, above 0; inf, without noise alone, clips nothing.
        noise: the noise multiplier sigma, at least 0.
        expected_batch: the expected number of examples in a batch, above 0.

    Returns:
        The function. J is that of the batch, and not private.

    Raises:
        ValueError: an argument is out of range; when called, what `clipped_grads` raises, and for what is no generator.

    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> params, x = Linear(torch.tensor([[1.0]]), torch.zeros(1)), torch.tensor([[0.0], [1e6]])
    >>> private_grads(linear_bottom, mse, 1.0, 0.0, 4)(params, x, torch.zeros(2, 1), Generator())[1].weight
    tensor([[0.2500]])
    """
    if not (0 <= noise < inf and 0 < expected_batch < inf):
        raise ValueError(f"private_grads: noise {noise}, expected_batch {expected_batch}; expected >= 0 and > 0, and finite")
    if noise and limit == inf:
        raise ValueError(f"private_grads: limit {limit} with noise {noise}: no noise hides what is not clipped")
    mean = partial(_clipped, net, loss, _checked(limit), 1 / expected_batch)
    return partial(_private, mean, noise and noise * limit / expected_batch)


def _private(
    mean: Callable[[P, Tensor, Tensor], tuple[Tensor, P]], deviation: float, params: P, x: Tensor, y: Tensor, generator: Generator
) -> tuple[Tensor, P]:
    J, grads = mean(params, x, y)
    return J, noised(grads, deviation, generator)
