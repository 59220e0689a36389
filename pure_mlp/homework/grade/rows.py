"""Rows of the table about numbers: right, wrong by how much and where, or an error at which line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import PARAMETERS, LossCase, NetCase
from pure_mlp.homework.grade.diagnose import distance
from pure_mlp.homework.grade.probe.seen import Attempt, Pass, Score

GRADS = tuple(f"dJd{name}" for name in PARAMETERS)
RTOL = 1e-4


@attrs.frozen
class Row:
    """One line of the table: what, `right`, `wrong` or `error`, by how much, and which exception at which line."""

    name: str
    verdict: str
    detail: str = ""
    raised: str = ""


def values(
    name: str,
    found: Sequence[Tensor | None],
    expected: Sequence[Tensor],
    cases: Sequence[NetCase | LossCase],
    attempts: Sequence[Attempt],
) -> Row:
    """A row of one quantity, a case each in the four sequences: in how many cases it is off, by how much of its size, and for
    instance where; then the first exception, if there was one.

    >>> case = LossCase(torch.zeros(3, 3), torch.full((3, 3), 0.5))
    >>> values("J", [2 * torch.ones(9)], [torch.ones(9)], [case], [{"stage": "", "error": ""}]).detail
    'in 1 of 1 cases, by up to 99.7 %, as with shape (3, 3)'
    """
    raised = next((a["error"] for a in attempts if a["error"]), "")
    seen = [(_as(a, b), b, case) for a, b, case in zip(found, expected, cases) if a is not None]
    off = [distance(a, b) for a, b, _ in seen]
    bad = [i for i, error in enumerate(off) if not error <= RTOL]
    if bad:
        a, b, case = seen[bad[0]]
        amount = f"shape {tuple(a.shape)} instead of {tuple(b.shape)}" if a.shape != b.shape else _amount(max(off))
        return Row(name, "wrong", f"in {len(bad)} of {len(seen)} cases, {amount}, as with {case.label}", raised)
    if len(off) < len(expected):
        return Row(name, "error", f"not computed in {len(expected) - len(off)} of {len(expected)} cases", raised)
    return Row(name, "right")


def _amount(off: float) -> str:
    if off == torch.inf:
        return "inf or nan where it should not be, or the reverse"
    return f"by up to {100 * off:.3g} %" if off < 10 else f"by up to {off:.0f} times its size"


def _as(found: Tensor, expected: Tensor) -> Tensor:
    """One element in whatever shape is that element: the row of shapes tells it."""
    return found.reshape(expected.shape) if found.numel() == expected.numel() == 1 else found


def shapes(
    passes: Sequence[Pass], models: Sequence[Mapping[str, Tensor]], scored: Sequence[Score], losses: Sequence[LossCase]
) -> Row:
    """Every shape of y_hat, gradients and losses, in `passes` against `models`, in `scored` (mse, bce by turns) against `losses`.

    >>> p: Pass = {"stage": "", "error": "", "computed": {"y": torch.ones(2)}}
    >>> shapes([p], [{"y": torch.ones(2)}], [], []).verdict, shapes([p], [{"y": torch.ones(3)}], [], []).detail
    ('right', 'y is (2,), expected (3,)')
    """
    computed = [p.get("computed", {}) for p in passes]
    pairs = [(name, c[name], t.shape) for c, m in zip(computed, models) for name, t in m.items() if name in c]
    for i, score in enumerate(scored):
        loss = ("mse", "bce")[i % 2]
        if "J" in score and "dJdy_hat" in score:
            pairs += [(f"{loss} J", score["J"], torch.Size()), (f"{loss} dJdy_hat", score["dJdy_hat"], losses[i // 2].y.shape)]
    fault = next((f"{name} is {tuple(t.shape)}, expected {tuple(shape)}" for name, t, shape in pairs if t.shape != shape), "")
    return Row("shapes", "wrong" if fault else "right" if pairs else "error", fault or ("" if pairs else "nothing was computed"))


def dtypes(passes: Sequence[Pass], scored: Sequence[Score]) -> Row:
    """Whether all that was computed is float32.

    >>> dtypes([], [{"stage": "", "error": "", "J": torch.ones((), dtype=torch.float64), "dJdy_hat": torch.ones(1)}]).detail
    'J is float64'
    """
    tensors = [(name, t) for p in passes for name, t in p.get("computed", {}).items()]
    tensors += [pair for s in scored if "J" in s and "dJdy_hat" in s for pair in (("J", s["J"]), ("dJdy_hat", s["dJdy_hat"]))]
    other = {name.split()[0]: f"{t.dtype}".removeprefix("torch.") for name, t in tensors if t.dtype != torch.float32}
    fault = ", ".join(f"{name} is {dtype}" for name, dtype in other.items())
    return Row(
        "dtypes", "wrong" if fault else "right" if tensors else "error", fault or ("" if tensors else "nothing was computed")
    )
