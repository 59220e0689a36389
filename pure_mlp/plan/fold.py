"""Training as a pure function of the carry and all batches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor

from pure_mlp.plan.graph import Unplannable
from pure_mlp.plan.plan import Plan, plan
from pure_mlp.record import tree_map
from pure_mlp.train import Step

S = TypeVar("S")
B = TypeVar("B")


def fold(step: Step[S, B]) -> Callable[[S, Iterable[B]], tuple[S, Tensor]]:
    """`(carry, batches) -> (carry, losses)`: the step folded over the batches by a plan of it, like `jax.lax.scan`.

    The carry is copied in and copied out: what comes back aliases nothing. losses (number of batches,) are in the loss's dtype. A
    step that cannot be planned is folded as it is, after one `RuntimeWarning` that says why. Raises what the step raises.

    >>> halve = fold(lambda w, x: (w - 0.5 * x, (w * x).sum()))
    >>> halve(torch.ones(2), [torch.ones(2), torch.ones(2)])
    (tensor([0., 0.]), tensor([2., 1.]))
    """
    warned = False

    def folded(carry: S, batches: Iterable[B]) -> tuple[S, Tensor]:
        nonlocal warned
        planned: Plan[S, B] | None = None
        pure = False
        losses: list[Tensor] = []
        for batch in batches:
            if not pure:
                try:
                    planned = planned or plan(step, carry, batch)
                    losses.append(torch.tensor(planned.step(batch), dtype=planned.dtype))
                    continue
                except Unplannable as error:
                    carry, pure = carry if planned is None else planned.carry(), True
                    planned = None
                    if not warned:
                        warnings.warn(f"the step is not planned but run as it is: {error}", RuntimeWarning, stacklevel=2)
                    warned = True
            carry, loss = step(carry, batch)
            losses.append(loss)
        after = planned.carry() if planned else tree_map(torch.clone, carry)
        return after, torch.stack(losses) if losses else torch.empty(0)

    return folded
