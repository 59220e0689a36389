"""From what was seen of a file to rows that are right, wrong or an error, and to sentences about the mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from pure_mlp.homework.grade.cases import LossCase, NetCase
from pure_mlp.homework.grade.diagnose import UNKNOWN, diagnose_loss, diagnose_net
from pure_mlp.homework.grade.model import loss_model, net_model
from pure_mlp.homework.grade.rows import (
    GRADS,
    Row,
    Seen,
    accumulation,
    autograd,
    clearing,
    dtypes,
    fresh,
    refusal,
    shapes,
    start,
    unchanged,
    values,
)


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


def judge(path: str, source: str, seen: Seen, nets: Sequence[NetCase], losses: Sequence[LossCase]) -> Report:
    """The report on a file from its source and what was seen of it, which `probe.observe` gives for these nets and losses.

    Raises `KeyError`, `TypeError`, `AttributeError`, `ValueError` or `RuntimeError` where `seen` is not what the probe writes.

    >>> judge("mlp.py", "class", {"load": "SyntaxError: invalid syntax (line 1)"}, [], []).failure
    'cannot be loaded: SyntaxError: invalid syntax (line 1)'
    """
    if seen["load"]:
        return Report(path, failure=f"cannot be loaded: {seen['load']}")
    passes: list[Seen] = seen["nets"]
    scores: dict[str, list[Seen]] = {"mse": seen["losses"][::2], "bce": seen["losses"][1::2]}
    models = [net_model(case) for case in nets]
    rows = [start(nets, passes)]
    rows += [values(key, [(p.get(key), m[key]) for p, m in zip(passes, models)], passes, stage) for key, stage in _QUANTITIES]
    rows += [accumulation(passes), fresh(passes), clearing(passes)]
    diagnosis: list[str] = []
    if any(row.verdict == "wrong" for row in rows[1:8]):
        diagnosis += diagnose_net(nets, [_until_clearing(p) for p in passes])
    for loss, results in scores.items():
        for key in ("J", "dJdy_hat"):
            pairs = [(r.get(key), loss_model(loss, key, case)) for r, case in zip(results, losses)]
            rows.append(values(f"{loss} {key}", pairs, results, "loss"))
            if rows[-1].verdict == "wrong":
                diagnosis += [s if s != UNKNOWN else f"{loss}_loss, {key}: {s}" for s in diagnose_loss(loss, key, losses, results)]
    for row, advice in (
        (
            shapes(passes, models, seen["losses"], losses),
            "A gradient has the shape of its parameter, y_hat (batch, out2), and J is 0-dim.",
        ),
        (refusal(seen["unknown"]), "An unknown activation is a ValueError that names relu, sigmoid and identity."),
        (dtypes(passes, seen["losses"]), "Everything is float32."),
        (unchanged(passes, seen["losses"]), "An argument is changed in place: x, y, y_hat and dJdy_hat belong to the caller."),
        (autograd(source, seen, passes), "Autograd is used: the derivatives have to be written by hand (part 2 of the handout)."),
    ):
        rows.append(row)
        diagnosis += [advice] if row.verdict == "wrong" else []
    diagnosis += [_ADVICE[row.name] for row in rows if row.verdict == "wrong" and row.name in _ADVICE]
    return Report(path, tuple(rows), tuple(dict.fromkeys(diagnosis)))


_QUANTITIES = (("y", "forward"), *((name, "backward") for name in GRADS))
_ADVICE = {
    "start": "The start is not the template's: W1, b1, W2, b2 by torch.randn in that order, grads of zeros, an empty cache.",
    "clearing": "clear_grad_and_cache zeroes every tensor of grads in place and makes cache a new empty dict (step 3 of 1.2(a)).",
}


def _until_clearing(p: Seen) -> Seen:
    """What was seen, without the last pass where that added to gradients that should have been zero."""
    return p if p.get("grads cleared", True) else {key: value for key, value in p.items() if not key.endswith(" new")}
