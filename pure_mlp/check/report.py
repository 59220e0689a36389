"""The result of trying laws on something; it prints as text."""

from __future__ import annotations

from collections.abc import Callable
from math import log10

import attrs
from torch import Tensor

__all__ = ["Report", "entry"]


@attrs.frozen
class Report:
    """Laws that were tried, each with what breaks it.

    Args:
        name: what was checked.
        found: pairs of a law and what breaks it, "" where it holds.
        without: the optional functions that it does not have, so that their laws were not tried.
    """

    name: str
    found: tuple[tuple[str, str], ...]
    without: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the laws that do not hold."""
        return tuple(law for law, why in self.found if why)

    @property
    def ok(self) -> bool:
        """Whether all hold."""
        return not self.broken

    def __str__(self) -> str:
        held = f"{self.name}: {len(self.found) - len(self.broken)} of {len(self.found)} laws hold"
        held += f", without {' and '.join(self.without)}" if self.without else ""
        return "\n".join([held, *(f"BROKEN {law}: {why}" for law, why in self.found if why)])


def entry(what: str, J: Callable[[Tensor], Tensor], x: Tensor, i: int, written: float, h: float) -> str:
    """One entry of a gradient in full, beside differences with several steps.

    Args:
        what: the name of the gradient, as dx.
        J: a function of x with a number as value, in float64.
        x: where it is differentiated.
        i: the place of the entry in the flattened x.
        written: what the hand-written rule says there.
        h: the step that is shown.

    Returns:
        Lines of text; the error is drawn as a bar, with two marks for each factor of 10 above 1e-12.

    >>> import torch
    >>> x = torch.tensor([3.0], dtype=torch.float64)
    >>> print("\\n".join(entry("dx", lambda t: (t**2).sum(), x, 0, 5.0, 0.1).splitlines()[:4]))
    dx[0] is wrong
      J(x + h) = 9.61, J(x - h) = 8.41, with h = 0.1 in this entry and J = sum(dy * y)
      difference    6
      written       5
    """

    def at(step: float) -> float:
        moved = x.contiguous().clone()
        moved.view(-1)[i] += step
        return J(moved).item()

    def slope(step: float) -> float:
        return (at(step) - at(-step)) / (2 * step)

    places, left = [], i
    for size in reversed(x.shape):
        places.append(left % size)
        left //= size
    lines = [
        f"{what}[{', '.join(map(str, reversed(places)))}] is wrong",
        f"  J(x + h) = {at(h):.10g}, J(x - h) = {at(-h):.10g}, with h = {h:g} in this entry and J = sum(dy * y)",
        f"  difference    {slope(h):.10g}",
        f"  written       {written:.10g}",
        "  error over h; of a right gradient it falls as h^2 down to rounding:",
    ]
    for step in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        error = abs(slope(step) - written)
        bar = "#" * max(int(2 * (12 + log10(error))), 0) if 0 < error < float("inf") else ""
        lines.append(f"    {step:.0e}  {error:.1e}  {bar}")
    return "\n".join(lines)
