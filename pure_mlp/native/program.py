"""A lowered step as a program in C."""

from __future__ import annotations

from array import array

from pure_mlp.plan.graph import Unplannable
from pure_mlp.plan.lower import Lowered
from pure_mlp.plan.program import Program


def native(lowered: Lowered, counts: array[float]) -> Program:
    """The step compiled. Raises `Unplannable` where there is no C compiler or no C for an operation."""
    raise Unplannable("native: no C yet")
