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

_NUDGES = 3
"""How often the inputs are moved to see what rounding does."""
_TIMES = 16
"""A program may differ by this many times what a unit in the last place of its inputs does: it rounds in many places."""


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
    got = [*carry.now(), loss]
    reason = difference(carry.names, before, after, got, program.coarsest)
    if reason is not None and not moved:
        got = [t.clone() for t in got]
        noise = _noise(program, carry, given, before, got, draws)
        carry.set(got[:-1])
        reason = reason if noise is None else difference(carry.names, before, after, got, program.coarsest, noise)
    reason = "a generator that the step makes or seeds itself" if moved else reason
    if reason is not None:
        return Verdict(None, Unplannable(f"the program differs from the step: {reason}"))
    return Verdict(loss.item(), None)


def _noise(
    program: Program,
    carry: Carry[S],
    given: Sequence[Tensor],
    before: Sequence[Tensor],
    got: Sequence[Tensor],
    draws: Sequence[Draw],
) -> list[float] | None:
    """How far rounding may move the changes and the loss, by norms: several times as far as they move when the inputs
    move by a unit in the last place. None where the program declines such inputs.

    Residuals that cancel to nearly nothing, as at a minimum, leave a change that is rounding and nothing else.
    """
    random = Generator().manual_seed(0)
    noise = [0.0] * len(got)
    for _ in range(_NUDGES):
        old = [_nudged(t, random) for t in before]
        carry.set(old)
        for generator, first, _ in draws:
            generator.set_state(first)
        try:
            loss = program.run(*(_nudged(t, random) for t in given))
        except Exception:  # of whatever kind: it refuses the inputs
            loss = None
        finally:
            for generator, _, last in draws:
                generator.set_state(last)
        if loss is None:
            return None
        now = [*carry.now(), loss if isinstance(loss, Tensor) else torch.tensor(loss, dtype=got[-1].dtype)]
        moved = [a.double() - b.double() for a, b in zip(now, [*old, torch.zeros_like(got[-1])])]
        usual = [a.double() - b.double() for a, b in zip(got, [*before, torch.zeros_like(got[-1])])]
        noise = [max(n, _TIMES * float((a - b).norm())) for n, a, b in zip(noise, moved, usual)]
    return noise


def _nudged(t: Tensor, random: Generator) -> Tensor:
    """The tensor with about half of its elements one unit in the last place nearer to 0; counts and whole numbers as they are."""
    if not t.dtype.is_floating_point or not t.dim():
        return t
    down = torch.rand(t.shape, generator=random, device="cpu") < 0.5
    return torch.where(down, t * (1 - torch.finfo(t.dtype).eps), t)
