"""Run a program on the carry of the pure step, and compare what both compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, TypeVar

import torch
from torch import Generator, Tensor

from pure_mlp._compile.carry import Carry
from pure_mlp._compile.check import difference
from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.program import Program

S = TypeVar("S")

Draw: TypeAlias = tuple[Generator, Tensor, Tensor]
"""A generator, and its states before and after the pure step."""


class Verdict(NamedTuple):
    """The loss of a program that agreed; or why it is refused; or neither, where it declined the step."""

    loss: float | None
    refusal: Unplannable | None


def trial(
    program: Program,
    carry: Carry[S],
    given: Sequence[Tensor],
    before: Sequence[Tensor],
    after: Sequence[Tensor],
    draws: Sequence[Draw],
) -> Verdict:
    """Run a program on the carry, which is as it was before the pure step, and compare. Generators are left as the
    pure step left them.

    before are the leaves before the pure step, after those that it made and behind them its loss.
    """
    for generator, first, _ in draws:
        generator.set_state(first)
    try:
        mine = program.run(*given)
        moved = any(not torch.equal(generator.get_state(), last) for generator, _, last in draws)
    except Exception as error:  # of whatever kind: the pure step has not failed
        return Verdict(None, Unplannable(f"the program fails where the step does not: {type(error).__name__}: {error}"))
    finally:
        for generator, _, last in draws:
            generator.set_state(last)
    if mine is None:
        return Verdict(None, None)
    loss = mine if isinstance(mine, Tensor) else torch.tensor(mine, dtype=after[-1].dtype)
    reason = difference(carry.names, before, after, [*carry.now(), loss], program.coarsest)
    reason = "a generator that the step makes or seeds itself" if moved else reason
    if reason is not None:
        return Verdict(None, Unplannable(f"the program differs from the step: {reason}"))
    return Verdict(loss.item(), None)
