"""From what was seen of a file to rows, to sentences that say why a hidden test fails, and to remarks."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from pure_mlp.homework.grade.cases import LossCase, NetCase
from pure_mlp.homework.grade.forms import dtypes, shapes
from pure_mlp.homework.grade.judge_losses import LossJudgement, judge_loss
from pure_mlp.homework.grade.judge_net import judge_net
from pure_mlp.homework.grade.loading import unloadable
from pure_mlp.homework.grade.loss_mistakes import loss_sentence
from pure_mlp.homework.grade.net_mistakes import net_sentence
from pure_mlp.homework.grade.net_model import net_model
from pure_mlp.homework.grade.permitted import autograd, torch_intact
from pure_mlp.homework.grade.plain import plain
from pure_mlp.homework.grade.probe.seen import Observed
from pure_mlp.homework.grade.rows import ROWS, Row, Said
from pure_mlp.homework.grade.states import accumulation, clearing, fresh, moved, refusal, start, unchanged

VERDICTS = ("right", "passes, with remarks", "fails the checks that a hidden test makes", "could not run")

PARTS: dict[str, tuple[str, ...]] = {
    "forward": ("forward",),
    "backward": ("dJdW1", "dJdb1", "dJdW2", "dJdb2", "relu at 0"),
    "mse_loss": ("mse J", "mse dJdy_hat"),
    "bce_loss": ("bce J", "bce dJdy_hat", "bce at 0 and 1"),
}
"""What can be graded alone, and its rows."""

COMPENSATION = {
    "numel in backward": ("sum", "The division by batch x features"),
    "mean in backward": ("per features", "The division by the batch size"),
    "features in backward": ("per batch", "The division by the number of features"),
    "sign in backward": ("sign", "The sign"),
    "times 2": ("no factor 2", "The factor 2"),
}
"""A mistake of backward, the one of a loss's gradient that makes up for it, and what stands in the wrong place."""


@attrs.frozen
class Report:
    """All about one file: sentences about what fails, and remarks. `failure` is empty where the file could be run."""

    path: str = attrs.field(converter=plain)
    rows: tuple[Row, ...] = ()
    diagnosis: tuple[str, ...] = ()
    remarks: tuple[Said, ...] = ()
    failure: str = attrs.field(default="", converter=plain)

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`.

        >>> Report("mlp.py").verdict, Report("mlp.py", failure="still running after 60 s").verdict
        ('right', 'could not run')
        """
        if self.failure:
            return VERDICTS[3]
        if self.diagnosis or any(row.verdict in ("wrong", "error") for row in self.rows):
            return VERDICTS[2]
        return VERDICTS[1] if self.remarks or any(row.verdict == "remark" for row in self.rows) else VERDICTS[0]


def judge(
    path: str, source: str | bytes, seen: Observed, nets: Sequence[NetCase], losses: Sequence[LossCase], only: str = ""
) -> Report:
    """The report on a file from its source and what was seen of it, which `observe` gives for these nets and losses.

    `only` is one of `PARTS`, for a file that is not done yet. Raises `LookupError`, `TypeError`, `AttributeError`, `ValueError` or
    `RuntimeError` where `seen` is not what the probe writes.

    >>> judge("mlp.py", "class", {"load": "SyntaxError: invalid syntax (line 1)"}, [], []).failure
    'cannot be loaded: SyntaxError: invalid syntax (line 1)'
    """
    if failure := unloadable(seen["load"], source):
        return Report(path, failure=failure)
    passes, scored = seen["nets"], seen["losses"]
    if len(passes) != len(nets) or len(scored) != 2 * len(losses):
        raise ValueError(f"{len(passes)} nets and {len(scored)} losses")
    scores = {"mse": scored[::2], "bce": scored[1::2]}
    states = [accumulation(passes), fresh(passes), clearing(passes)]
    net = judge_net(nets, passes, [s for _, said in states[:2] for s in said])
    of_losses = {loss: judge_loss(loss, losses, results) for loss, results in scores.items()}
    turned = {loss: judged.results for loss, judged in of_losses.items()}
    others = [
        start(nets, passes),
        shapes(passes, [net_model(case) for case in nets], turned, losses),
        dtypes(passes, turned),
        unchanged(nets, passes, losses, [s for results in scores.values() for s in results]),
        moved(passes),
        refusal(seen["unknown"], made=any(p.get("computed") for p in passes)),
        autograd(source, seen["autograd"], [*passes, *scored], seen["imported"]),
        torch_intact(seen["replaced"], seen["settings"]),
    ]
    told = [*states, *others]
    rows = {row.name: row for row in (*net.rows, *(r for j in of_losses.values() for r in j.rows), *(row for row, _ in told))}
    groups = {
        "forward": [s for s in net.said if s.text.startswith("forward")],
        "backward": [*net.said],
        **{f"{loss}_loss": [*judged.said] for loss, judged in of_losses.items()},
    }
    permitted = [s for row, said in told if row.name in ROWS[-2:] for s in said]
    if only:
        return _report(path, [rows[name] for name in (*PARTS[only], *ROWS[-2:])], [*groups[only], *permitted])
    said = [*net.said, *(s for j in of_losses.values() for s in j.said)]
    said = _compensated(said, net.mistakes, of_losses)
    known = {s.text for s in said}
    covered = {"accumulation"} if {"overwriting", "stale cache"} & {*net.mistakes} else set()
    covered |= {"new parameters"} if {"parameters copied", "stale cache"} & {*net.mistakes} else set()
    covered |= {"accumulation", "new parameters"} if not net.steady else set()
    said += [s for row, each in told for s in each if row.name not in covered and not _repeats(row.name, s, known)]
    return _report(path, [rows[name] for name in ROWS], said)


def _repeats(row: str, said: Said, known: set[str]) -> bool:
    """Whether a sentence about a shape says what another one says of the same thing."""
    if row == "shapes" and said.risk:  # of J
        return any(text.startswith(said.text.replace(": J has", ", J: it has").partition(" (")[0]) for text in known)
    if row == "start" and said.text.startswith("In a new net "):
        return any(said.text.removeprefix("In a new net ").rstrip(".") in text for text in known)
    return row == "shapes" and any(word in text for text in known for word in ("shape", "transposed", "holds what"))


def _compensated(said: list[Said], net: Sequence[str], losses: dict[str, LossJudgement]) -> list[Said]:
    """One sentence where backward makes up for what the losses leave out."""
    for mistake, (partner, what) in COMPENSATION.items():
        those = [loss for loss, judged in losses.items() if partner in judged.mistakes]
        if mistake in net and those:
            gone = {net_sentence(mistake), *(loss_sentence(partner, f"{loss}_loss, dJdy_hat") for loss in those)}
            names = " and ".join(f"{loss}_loss" for loss in those)
            place = f"stands in backward and is missing in dJdy_hat of {names}"
            text = f"{what} {place}: right together, wrong alone. It belongs to the loss."
            return [Said(text), *(s for s in said if s.text not in gone)]
    return said


def _report(path: str, rows: Sequence[Row], said: Sequence[Said]) -> Report:
    unique = list(dict.fromkeys(said))
    return Report(path, tuple(rows), tuple(s.text for s in unique if not s.risk), tuple(s for s in unique if s.risk))
