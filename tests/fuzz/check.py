"""What an engine makes of a program, beside the loop."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch

from pure_mlp import Engine, tree_map

from .differences import differences, unlike
from .loop import Case, by, leaves, loop
from .noise import Unstable, bounds
from .program import Program

TIERS: dict[Engine, int] = {"pure": 0, "plan": 1, "native": 2}
BROKEN = (NameError, SyntaxError, IndentationError)
"""What a program raises that a shortening has broken."""


class Verdict(NamedTuple):
    """Whether the program says anything (`unstable` says why not), what differs, and what the engine warned of."""

    differences: list[str]
    warned: list[str] = []  # noqa: RUF012  # never changed
    unstable: str = ""


def check(program: Program, engine: Engine) -> Verdict:
    """Run the program by the loop, by the loop with noise, and by the engine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = loop(program.make())
        except BROKEN as error:
            return Verdict([], unstable=str(error))
        first = expected.outcomes[0].error
        if first and issubclass(first[0], BROKEN):
            return Verdict([], unstable=first[1])
        try:
            allowed = bounds(program.make, expected)
        except Unstable as reason:
            return Verdict([], unstable=str(reason))
        case = program.make()
        given = [leaf for _, leaf in leaves((case.carry, [*case.supply()]))]
        if any(unlike(mine, leaf, 0.0) for mine, leaf in zip(expected.outcomes[0].inputs, given)):
            return Verdict([], unstable="the step changes what it is given")
        plain = loop(case._replace(step=lambda carry, batch: case.step(tree_map(torch.Tensor.contiguous, carry), batch)))
        if [*differences(plain, expected, allowed)]:
            return Verdict([], unstable="a view or a copy, after the layout of the carry")
        got = by(program.make(), engine)
        found = [*differences(got, expected, allowed)]
    if len(got.warned) > TIERS[engine]:
        found.append(f"warned {len(got.warned)} times: {got.warned}")
    return Verdict(found, got.warned)


def fold_differences(make: Callable[[], Case], engine: Engine) -> list[str]:
    """What a printed program calls."""
    expected = loop(make())
    return [*differences(by(make(), engine), expected, bounds(make, expected))]
