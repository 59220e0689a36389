"""From what was seen of a file to rows that are right, wrong or an error, and to sentences about the mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from torch import Tensor

from pure_mlp.homework.grade.cases import LossCase, NetCase
from pure_mlp.homework.grade.diagnose import UNKNOWN, diagnose_loss, diagnose_net
from pure_mlp.homework.grade.model import loss_model, net_model
from pure_mlp.homework.grade.permitted import autograd, torch_intact
from pure_mlp.homework.grade.probe.seen import Observed, Pass, Score
from pure_mlp.homework.grade.rows import GRADS, Row, dtypes, shapes, values
from pure_mlp.homework.grade.states import accumulation, clearing, fresh, refusal, start, unchanged, zero

ADVICE = {
    "start": "The start is not the template's: W1, b1, W2, b2 by torch.randn in that order, grads of zeros, an empty cache.",
    "clearing": "clear_grad_and_cache zeroes every tensor of grads in place and makes cache a new empty dict (step 3 of 1.2(a)).",
    "shapes": "A gradient has the shape of its parameter, y_hat (batch, out2), dJdy_hat that of y_hat, and J is 0-dim.",
    "unknown name": "An unknown activation is a ValueError that names relu, sigmoid and identity.",
    "dtypes": "Everything is float32.",
    "arguments": "An argument is changed in place: x, y, y_hat and dJdy_hat belong to the caller.",
    "no autograd": "Autograd is used ({detail}): the derivatives have to be written by hand (part 2 of the handout).",
    "torch intact": "The file replaces functions of torch: every check after that would see what it wants to show.",
}
STATES = {
    "accumulation": "In one net {detail}: gradients add up, by +=, until clear_grad_and_cache.",
    "new parameters": "In one net {detail}: forward reads the parameters anew each time.",
}
"""What is said where the numbers of a first pass are right, and no mistake of the library explains those of the next."""


@attrs.frozen
class Report:
    """All about one file. `failure` is empty where the file could be run."""

    path: str
    rows: tuple[Row, ...] = ()
    diagnosis: tuple[str, ...] = ()
    failure: str = ""

    @property
    def right(self) -> bool:
        """Whether it ran and every row is right."""
        return not self.failure and all(row.verdict == "right" for row in self.rows)


def judge(path: str, source: str | bytes, seen: Observed, nets: Sequence[NetCase], losses: Sequence[LossCase]) -> Report:
    """The report on a file from its source and what was seen of it, which `observe` gives for these nets and losses.

    Raises `LookupError`, `TypeError`, `AttributeError`, `ValueError` or `RuntimeError` where `seen` is not what the probe writes.

    >>> judge("mlp.py", "class", {"load": "SyntaxError: invalid syntax (line 1)"}, [], []).failure
    'cannot be loaded: SyntaxError: invalid syntax (line 1)'
    """
    if seen["load"]:
        return Report(path, failure=f"cannot be loaded: {seen['load']}")
    passes, scored = seen["nets"], seen["losses"]
    if len(passes) != len(nets) or len(scored) != 2 * len(losses):
        raise ValueError(f"{len(passes)} nets and {len(scored)} losses")
    models = [net_model(case) for case in nets]
    numbers = [_of_net(key, passes, models, nets) for key in ("y", *GRADS)]
    states = [accumulation(passes), fresh(passes)]
    diagnosis: list[str] = []
    if any(row.verdict == "wrong" for row in (*numbers, *states)):
        found = diagnose_net(nets, [comparable(p) for p in passes])
        odd = found == [UNKNOWN] and all(row.verdict == "right" for row in numbers)
        diagnosis += [STATES[row.name].format(detail=row.detail) for row in states if row.verdict == "wrong"] if odd else found
    scores = {"mse": scored[::2], "bce": scored[1::2]}
    for loss, results in scores.items():
        row = _of_loss(loss, "J", [s.get("J") for s in results], results, losses)
        other = _of_loss(loss, "dJdy_hat", [s.get("dJdy_hat") for s in results], results, losses)
        diagnosis += [] if row.verdict != "wrong" else diagnose_loss(loss, "J", losses, [s.get("J") for s in results])
        diagnosis += (
            [] if other.verdict != "wrong" else diagnose_loss(loss, "dJdy_hat", losses, [s.get("dJdy_hat") for s in results])
        )
        numbers += [row, other]
    others = (
        start(nets, passes),
        *states,
        clearing(passes),
        shapes(passes, models, scored, losses),
        dtypes(passes, scored),
        refusal(seen["unknown"]),
        unchanged(nets, passes, losses, scored),
        autograd(source, seen["autograd"], [*passes, *scored]),
        torch_intact(seen["replaced"]),
    )
    diagnosis += [ADVICE[row.name].format(detail=row.detail) for row in others if row.verdict == "wrong" and row.name in ADVICE]
    raised = next((row.raised for row in (*numbers, *others) if row.raised), "")
    diagnosis += [f"It stops with an exception: {raised}."] if raised and not diagnosis else []
    return Report(path, (*numbers, *others), tuple(dict.fromkeys(diagnosis)))


def _of_net(key: str, passes: Sequence[Pass], models: Sequence[Mapping[str, Tensor]], nets: Sequence[NetCase]) -> Row:
    found = [p.get("computed", {}).get(key) for p in passes]
    return values({"y": "forward"}.get(key, key), found, [m[key] for m in models], nets, passes)


def _of_loss(loss: str, key: str, found: list[Tensor | None], results: Sequence[Score], losses: Sequence[LossCase]) -> Row:
    return values(f"{loss} {key}", found, [loss_model(loss, key, case) for case in losses], losses, results)


def comparable(p: Pass) -> Mapping[str, Tensor]:
    """What was computed, without the last pass where that found gradients or a cache of the passes before.

    >>> import torch
    >>> computed = {"y": torch.ones(1), "y new": torch.ones(1)}
    >>> list(comparable({"stage": "", "error": "", "computed": computed, "cache_cleared": False}))
    ['y']
    """
    cleared = zero(p) and p.get("cache_cleared", True)
    return {key: value for key, value in p.get("computed", {}).items() if cleared or not key.endswith(" new")}
