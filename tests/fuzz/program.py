"""A drawn step: lines of Python, so that what differs can be read, shortened and run by anyone."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

import pure_mlp
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.schedules import SCHEDULE_ROWS

from .containers import pack, parts
from .loop import Case
from .values import exact, rand

HEAD = """import torch
from torch import nn
import pure_mlp as pm
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.schedules import SCHEDULE_ROWS
from tests.fuzz.check import fold_differences
from tests.fuzz.containers import pack, parts
from tests.fuzz.loop import Case
from tests.fuzz.values import exact, rand
"""
GLOBALS = {
    "torch": torch,
    "nn": torch.nn,
    "pm": pure_mlp,
    "LOSS_ROWS": LOSS_ROWS,
    "SCHEDULE_ROWS": SCHEDULE_ROWS,
    "rand": rand,
    "exact": exact,
    "Case": Case,
    "pack": pack,
    "parts": parts,
}


class Program(NamedTuple):
    """A step in three pieces.

    - setup: lines that make the generators, the captured tensors, and whatever else is made once.
    - carry, batches: expressions, one a leaf, one a batch, which `pack` has built.
    - body: lines of the step, which knows the leaves of the carry as c0, c1, .. and of the batch as x0, x1, ..; the last ones set
      n0, n1, .. and J, the new carry and the loss.
    - state: expressions of the world outside, afterwards.
    - kind: the container of the carry.
    """

    setup: tuple[str, ...]
    carry: tuple[str, ...]
    batches: tuple[str, ...]
    body: tuple[str, ...]
    state: tuple[str, ...] = ()
    kind: str = "tuple"

    def source(self) -> str:
        """A function `make` that makes the case anew."""
        leaves = range(len(self.carry))
        inputs = range(self.batches[0].count("rand(")) if self.batches else ()
        step = [
            f"({''.join(f'c{i}, ' for i in leaves)}) = parts(carry)",
            f"({''.join(f'x{i}, ' for i in inputs)}) = parts(batch)",
            *self.body,
            f"return pack({self.kind!r}, {', '.join(f'n{i}' for i in leaves)}), J",
        ]
        lines = [
            *self.setup,
            f"carry = pack({self.kind!r}, {', '.join(self.carry)})",
            f"batches = [{', '.join(self.batches)}]",
            "def step(carry, batch):",
            *[f"    {line}" for line in step],
            f"return Case(step, carry, batches, lambda: [{', '.join(self.state)}])",
        ]
        return "def make():\n" + "".join(f"    {line}\n" for line in lines)

    def make(self) -> Case:
        """The case."""
        scope: dict[str, Any] = dict(GLOBALS)
        exec(compile(self.source(), "<program>", "exec"), scope)
        case: Case = scope["make"]()
        return case
