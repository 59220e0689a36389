"""A step folded over batches on the fastest engine that takes it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import torch
from torch import Tensor

from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.leaves import returned
from pure_mlp._compile.plan import Plan
from pure_mlp._compile.program import Engine, check_engine
from pure_mlp._compile.slices import keep_values
from pure_mlp.nodes import is_tensor
from pure_mlp.record import tree_leaves, tree_map
from pure_mlp.shapes import spec
from pure_mlp.signatures import Step

S = TypeVar("S")
B = TypeVar("B")

_INSTEAD: dict[Engine, str] = {"plan": "planned but not made native", "pure": "not planned but run as it is"}


class Folding(Generic[S, B]):
    """A fold in progress: its carry and its engine. `fold` and `fit` are built on it.

    `engine` is the one in use: the one that was asked for, by default "plan", or the fastest slower one that
    takes the step. `reason` says why it is not the one asked for; if that was asked for by name, a
    `RuntimeWarning` says so too.
    """

    def __init__(self, step: Step[S, B], carry: S, engine: Engine | None = None) -> None:
        self.engine: Engine = check_engine(engine or "plan")
        self.reason: str = ""
        self._step = step
        self._carry = _untaped(carry)
        self._plan: Plan[S, B] | None = None
        self._dtype = torch.float32
        self._aloud = engine is not None

    @property
    def compile_seconds(self) -> float:
        """How long the C compiler took so far."""
        return self._plan.compile_seconds if self._plan else 0.0

    def run(self, batches: Iterable[B], *, kept: bool = False) -> Tensor:
        """Advance the carry over the batches; returns the losses (number of batches,). Raises what the step raises.

        kept: whether a batch keeps its values until the next 32 have been drawn, as those of a list do.
        """
        source, losses = iter(batches), list[float]()
        kept = kept or keep_values(batches)
        while self.engine != "pure":
            try:
                self._plan = self._plan or Plan(self._step, self._carry, engine=self.engine)
            except Unplannable as refusal:
                self._descend(refusal)
                continue
            self._plan.advance(source, losses, kept=kept)
            self._dtype = self._plan.dtype or self._dtype
            if self._plan.refusal is None:
                return torch.tensor(losses, dtype=self._dtype, device="cpu")
            self._descend(self._plan.refusal)
        losses += self._pure(source)
        return torch.tensor(losses, dtype=self._dtype, device="cpu")

    def restart(self, carry: S) -> bool:
        """Go on from this carry; False, and nothing is done, if a program was made for one of other specs."""
        if self._plan:
            return self._plan.restart(carry)
        self._carry = _untaped(carry)
        return True

    def carry(self) -> S:
        """The carry as it is now, in memory of its own."""
        if self._plan:
            return self._plan.carry()
        return tree_map(lambda leaf: leaf.detach().clone() if is_tensor(leaf) else leaf, self._carry)

    def now(self) -> S:
        """The carry as it is now, in memory that the next step may overwrite."""
        return self._plan.now() if self._plan else self._carry

    def _pure(self, batches: Iterator[B]) -> list[float]:
        losses = []
        for batch in batches:
            self._carry, loss = returned(self._step(self._carry, batch))
            if any(is_tensor(leaf) and not leaf.is_leaf for leaf in tree_leaves(self._carry)):
                self._carry = _untaped(self._carry)  # of a batch or a captured tensor: it would grow with every step
            self._dtype = loss.dtype
            losses.append(loss.item())
        return losses

    def _descend(self, refusal: Unplannable) -> None:
        lower: Engine = "plan" if self.engine == "native" else "pure"
        self.reason = f"the step is {_INSTEAD[lower]}: {refusal}"
        self._carry, self._plan, self.engine = self.carry(), None, lower
        if self._aloud:
            warnings.warn(self.reason, RuntimeWarning, stacklevel=4)


def fold(step: Step[S, B], *, engine: Engine = "plan") -> Callable[[S, Iterable[B]], tuple[S, Tensor]]:
    """`(carry, batches) -> (carry, losses)`: the step folded over the batches, like `jax.lax.scan`.

    The carry is copied in and copied out: what comes back aliases nothing and has no tape. The plan is kept for
    the next call, so that what the step reads from Python is read once, as by `jax.jit`. Batches are tuples,
    lists, dicts or records of tensors; those of a list may be stepped over 32 at a time, and `Slices` without a check of each.

    Args:
        step: `step(carry, batch) -> (carry, loss)`.
        engine: "pure", "plan" or "native". If it does not take the step, the next slower engine does from then
            on ("plan" for "native", "pure" for "plan"), after one `RuntimeWarning` that says why.

    Returns:
        The fold. Its losses (number of batches,) are in the loss's dtype.

    Raises:
        ValueError: another engine, or a step that does not return a carry and one number; and what the step raises.

    >>> halve = fold(lambda w, x: (w - 0.5 * x, (w * x).sum()))
    >>> halve(torch.ones(2), [torch.ones(2), torch.ones(2)])
    (tensor([0., 0.]), tensor([2., 1.]))
    """
    if not callable(step):
        raise ValueError(f"fold: a step that is {spec(step)}, expected step(carry, batch) -> (carry, loss)")
    tier: Engine | None = check_engine(engine)
    kept: Folding[S, B] | None = None

    def folded(carry: S, batches: Iterable[B]) -> tuple[S, Tensor]:
        nonlocal tier, kept
        if not isinstance(batches, Iterable):
            raise ValueError(f"fold: batches {spec(batches)}, expected an iterable of them")
        folding, kept = kept, None  # a call inside this one makes its own
        if folding is None or not folding.restart(carry):
            folding = Folding(step, carry, tier)
        try:
            losses = folding.run(batches)
        finally:
            tier = folding.engine
        kept = folding
        return folding.carry(), losses

    return folded


def _untaped(tree: S) -> S:
    """The tree with every tensor detached."""
    return tree_map(lambda leaf: leaf.detach() if is_tensor(leaf) else leaf, tree)
