"""Clipping of gradients, to be chained before an optimizer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf

import attrs
import torch
from torch import Tensor

from pure_mlp.optim.foreach import mul
from pure_mlp.optim.optimizer import Leaves, Optimizer, chain, chained
from pure_mlp.shapes import check_number

__all__ = ["clip_by_global_norm", "clip_by_value", "for_parts", "global_norm"]


def clip_by_value(limit: float) -> Optimizer:
    """g <- min(max(g, -limit), limit), elementwise; NaN stays NaN.

    Args:
        limit: the largest size of a component, at least 0.

    Returns:
        An optimizer that leaves the params alone, to be chained before one that does not.

    Raises:
        ValueError: a negative limit.

    >>> clip_by_value(1.0).rule(Leaves([], [torch.tensor([3.0, -0.5])], [], [])).grads
    [tensor([ 1.0000, -0.5000])]
    """
    check_number("clip_by_value", "limit", limit, finite=False)
    return Optimizer(0, 0, partial(_by_value, limit))


def _by_value(limit: float, leaves: Leaves) -> Leaves:
    return leaves._replace(grads=[g.clamp(-limit, limit) for g in leaves.grads])


def clip_by_global_norm(limit: float) -> Optimizer:
    """g <- g min(1, limit / n), n the Euclidean norm of all gradients together (Pascanu et al., arXiv:1211.5063).

    n is computed in float64, and of float64 scaled first, so that it neither overflows nor vanishes. Where n = 0 the gradients stay
    0, where it is NaN they become NaN; where it is inf, the infinite components become NaN and the others 0, as in torch.

    Args:
        limit: the largest norm, at least 0.

    Returns:
        An optimizer that leaves the params alone, to be chained before one that does not.

    Raises:
        ValueError: a negative limit.

    >>> clip_by_global_norm(1.0).rule(Leaves([], [torch.tensor([3.0]), torch.tensor([4.0])], [], [])).grads
    [tensor([0.6000]), tensor([0.8000])]
    """
    check_number("clip_by_global_norm", "limit", limit, finite=False)
    return Optimizer(0, 0, partial(_by_global_norm, limit))


def _by_global_norm(limit: float, leaves: Leaves, norm_of: Callable[[list[Tensor]], Tensor] | None = None) -> Leaves:
    if not leaves.grads:
        return leaves
    norm = (norm_of or global_norm)(leaves.grads)
    return leaves._replace(grads=mul(leaves.grads, torch.where(norm <= limit, 1.0, limit / norm)))


def for_parts(optimizer: Optimizer, norm_of: Callable[[list[Tensor]], Tensor]) -> Optimizer:
    """The same optimizer where each leaf is a part of one, given the norm of all that the parts are of.

    Raises `ValueError` for a rule that is not this package's, which may mix the numbers of a leaf in a way that is not known.

    >>> halved = for_parts(clip_by_global_norm(1.0), lambda parts: 2 * global_norm(parts))
    >>> halved.rule(Leaves([], [torch.tensor([3.0, 4.0])], [], [])).grads
    [tensor([0.3000, 0.4000])]
    """
    rule = optimizer.rule
    if isinstance(rule, partial) and rule.func is chained:
        return chain(*[for_parts(o, norm_of) for o in rule.args[0]])
    if isinstance(rule, partial) and rule.func is _by_global_norm:
        return attrs.evolve(optimizer, rule=partial(rule, norm_of=norm_of))
    made_by = getattr(rule, "func", rule).__module__
    if not made_by.startswith("pure_mlp.optim."):
        raise ValueError(f"an optimizer of {made_by}: on params in parts only those of pure_mlp are known to be right")
    return optimizer


def global_norm(xs: list[Tensor]) -> Tensor:
    """The Euclidean norm of all numbers together, 0-dim float64: right for whatever the leaves' dtypes hold.

    >>> f"{global_norm([torch.tensor([3e20]), torch.tensor([4e20])]):.2e}"
    '5.00e+20'
    """
    wide = [x.double() for x in xs]
    if not any(x.dtype == torch.float64 for x in xs):
        return _root_of_squares(wide)
    largest = [x.abs().amax() for x in wide if x.numel()]
    size = torch.stack(largest).amax() if largest else torch.ones(())
    size = torch.where(size > 0, torch.where(size < inf, size, 1.0), 1.0)
    return size * _root_of_squares([x / size for x in wide])


def _root_of_squares(xs: list[Tensor]) -> Tensor:
    return torch.stack([x.square().sum() for x in xs]).sum().sqrt()
