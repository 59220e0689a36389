"""Rows of the table: what was looked at, the verdict, by how much it is off and where; and what is said about it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import GRADS, LossCase, NetCase
from pure_mlp.homework.grade.compare import RTOL, figure, relative_error
from pure_mlp.homework.grade.diagnose_loss import as_expected
from pure_mlp.homework.grade.plain import plain
from pure_mlp.homework.grade.probe.seen import Attempt

ROWS = (
    *("forward", *GRADS, "mse J", "mse dJdy_hat", "bce J", "bce dJdy_hat", "relu at 0", "bce at 0 and 1"),
    *("start", "accumulation", "new parameters", "clearing", "shapes", "dtypes", "arguments", "parameters", "unknown name"),
    *("no autograd", "torch intact"),
)
"""The names of all rows, in their order."""


@attrs.frozen
class Row:
    """One line of the table.

    What, `right`, `remark`, `wrong` or `error`, by how much, which exception at which line, and the share of cases that are right.
    """

    name: str
    verdict: str
    detail: str = attrs.field(default="", converter=plain)
    raised: str = attrs.field(default="", converter=plain)
    share: float = 0.0

    @property
    def credit(self) -> float:
        """1 for right, a half for a remark, else the share of the cases that are right.

        >>> Row("forward", "right").credit, Row("start", "remark").credit, Row("dJdW1", "wrong", share=0.25).credit
        (1.0, 0.5, 0.25)
        """
        return {"right": 1.0, "remark": 0.5}.get(self.verdict, self.share)


@attrs.frozen
class Said:
    """A sentence about a file. With a `risk`, what may go wrong for whom, it is a remark; without one a hidden test would fail."""

    text: str = attrs.field(converter=plain)
    risk: str = ""


Told = tuple[Row, list[Said]]


def told(name: str, said: Sequence[Said], reached: bool = True, raised: str = "") -> Told:
    """A row from what is said about it: an error if something was raised, wrong with a sentence that has no risk, else a remark.

    >>> told("start", [Said("The cache is not empty.", "none that is known")])[0].verdict, told("start", [], False)[0].detail
    ('remark', 'not reached')
    """
    detail = " ".join(dict.fromkeys(s.text for s in said))
    if any(not s.risk for s in said):
        return Row(name, "wrong", detail, raised), [*said]
    if raised or not reached:
        return Row(name, "error", detail if said or raised else "not reached", raised), [*said]
    return Row(name, "remark" if said else "right", detail), [*said]


def values(
    name: str,
    found: Sequence[Tensor | None],
    expected: Sequence[Tensor],
    cases: Sequence[NetCase | LossCase],
    attempts: Sequence[Attempt],
) -> Row:
    """A row of one quantity, a case each in the four sequences.

    In how many cases it is off, by how much of its size, and for instance where; then the first exception, if there was one.

    >>> case = LossCase(torch.zeros(3, 3), torch.full((3, 3), 0.5))
    >>> values("J", [2 * torch.ones(9)], [torch.ones(9)], [case], [{"stage": "", "error": ""}]).detail
    'in 1 of 1 cases, by up to 99.7 %, as with shape (3, 3)'
    """
    raised = next((a["error"] for a in attempts if a["error"]), "")
    seen = [(as_expected(a, b), b, case) for a, b, case in zip(found, expected, cases) if a is not None]
    off = [relative_error(a, b) for a, b, _ in seen]
    bad = [i for i, error in enumerate(off) if not error <= RTOL]
    if bad:
        a, b, case = seen[bad[0]]
        amount = f"shape {tuple(a.shape)} instead of {tuple(b.shape)}" if a.shape != b.shape else _amount(max(off))
        detail = f"in {len(bad)} of {len(seen)} cases, {amount}, as with {case.label}"
        return Row(name, "wrong", detail, raised, (len(seen) - len(bad)) / len(expected))
    if len(off) < len(expected):
        detail = f"not computed in {len(expected) - len(off)} of {len(expected)} cases"
        return Row(name, "error", detail, raised, len(off) / len(expected))
    return Row(name, "right")


def _amount(off: float) -> str:
    if off == torch.inf:
        return "inf or nan where it should not be, or the reverse"
    return f"by up to {figure(100 * off)} %" if off < 10 else f"by up to {figure(off)} times its size"
