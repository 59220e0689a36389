"""What is said of the losses' numbers: the rows of each value and gradient, and a sentence for each that is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs
from torch import Tensor

from pure_mlp.homework.grade.cases import LossCase
from pure_mlp.homework.grade.compare import same
from pure_mlp.homework.grade.diagnose_loss import as_expected, diagnose_loss
from pure_mlp.homework.grade.hints import hint
from pure_mlp.homework.grade.loss_mistakes import is_guard, loss_sentence
from pure_mlp.homework.grade.loss_model import loss_model
from pure_mlp.homework.grade.patterns import how
from pure_mlp.homework.grade.probe.seen import Score
from pure_mlp.homework.grade.rows import Row, Said, values

SATURATED = "fails tests on saturated nets, where a sigmoid in float32 is exactly 0 or 1; passes the others"
KEYS = ("J", "dJdy_hat")


@attrs.frozen
class LossJudgement:
    """The rows and sentences of one loss, the mistakes of the library in its gradient, and its results, J first."""

    rows: tuple[Row, ...]
    said: tuple[Said, ...]
    mistakes: tuple[str, ...] = ()
    results: tuple[Score, ...] = ()


def judge_loss(loss: str, losses: Sequence[LossCase], results: Sequence[Score]) -> LossJudgement:
    """Judge what `run_loss` saw of `mse` or `bce` in these cases.

    >>> judge_loss("mse", [], []).rows[0]
    Row(name='mse J', verdict='right', detail='', raised='', share=0.0)
    """
    said, results = _swapped(loss, losses, results)
    usual = [i for i, case in enumerate(losses) if loss == "mse" or not case.certain]
    rows: list[Row] = []
    mistakes: list[str] = []
    for key in KEYS:
        found = [s["J"] if key == "J" and "J" in s else s["dJdy_hat"] if key != "J" and "dJdy_hat" in s else None for s in results]
        expected = [loss_model(loss, key, case) for case in losses]
        attempts = [results[i] for i in usual]
        row = values(f"{loss} {key}", [found[i] for i in usual], [expected[i] for i in usual], [losses[i] for i in usual], attempts)
        rows.append(row)
        pairs = zip(found, expected)
        if any(a is not None and not same(as_expected(a, b), b) for a, b in pairs):
            names, sentences = _explained(loss, key, losses, found, expected, row.verdict == "right")
            said += sentences
            mistakes += names if key != "J" else []
    said += _exceptions(loss, losses, results)
    rows += [_edges(losses, results, rows)] if loss == "bce" else []
    return LossJudgement(tuple(rows), tuple(said), tuple(mistakes), tuple(results))


def _explained(
    loss: str, key: str, losses: Sequence[LossCase], found: list[Tensor | None], expected: list[Tensor], usual_right: bool
) -> tuple[list[str], list[Said]]:
    """The mistakes and what is said of them; of what none explain, how and where it is wrong."""
    where = f"{loss}_loss, {key}"
    names = diagnose_loss(loss, key, losses, found)
    if names is not None:
        return names, [Said(loss_sentence(name, where), SATURATED if usual_right and is_guard(name) else "") for name in names]
    usual = [None if case.certain else a for case, a in zip(losses, found)]
    names = diagnose_loss(loss, key, losses, usual) if loss == "bce" else None
    if names is not None:
        named = [Said(loss_sentence(name, where)) for name in names]
        text = _how(losses, found, expected, certain=True)
        return names, [*named, Said(f"{where}: where y_hat is exactly 0 or 1 it {text}: torch clamps there.", SATURATED)]
    return [], [Said(f"{where}: it {_how(losses, found, expected, certain=False)}.")]


def _how(losses: Sequence[LossCase], found: Sequence[Tensor | None], expected: Sequence[Tensor], certain: bool) -> str:
    bad = []
    for case, a, b in zip(losses, found, expected):
        if a is not None and (case.certain or not certain) and not same(as_expected(a, b), b):
            n, k = case.y.shape
            sizes = {"the batch size": n, "the number of features": k, "batch x features": n * k}
            bad.append((case.label, sizes, as_expected(a, b), b))
    return how([row for row in bad if "exactly" not in row[0]] or bad)


def _swapped(loss: str, losses: Sequence[LossCase], results: Sequence[Score]) -> tuple[list[Said], list[Score]]:
    """The results with J first, and what is said where the file has it second."""
    sized = [(s["J"], s["dJdy_hat"], c.y) for s, c in zip(results, losses) if "J" in s and "dJdy_hat" in s and c.y.numel() > 1]
    if not sized or not all(J.shape == y.shape and dJ.numel() == 1 for J, dJ, y in sized):
        return [], [*results]
    turned: list[Score] = []
    for s in results:
        turned.append({**s, "J": s["dJdy_hat"], "dJdy_hat": s["J"]} if "J" in s and "dJdy_hat" in s else s)
    return [Said(f"{loss}_loss: the two results are swapped, (dJdy_hat, J): J comes first.")], turned


def _exceptions(loss: str, losses: Sequence[LossCase], results: Sequence[Score]) -> list[Said]:
    """A sentence for each exception; a remark where BCE raises it at predictions of exactly 0 or 1 alone."""
    raised = [(case, s["error"]) for case, s in zip(losses, results) if s["error"]]
    edges = loss == "bce" and all(case.certain for case, _ in raised)
    place, risk = (" where y_hat is exactly 0 or 1: torch clamps there.", SATURATED) if edges else ("", "")
    said = []
    for text in list(dict.fromkeys(error for _, error in raised))[:3]:
        is_exception = re.match(r"\w+(: | \(line \d+\)$|$)", text)
        said.append(Said(f"{loss}_loss raises {text}{place or hint(text)}", risk) if is_exception else Said(f"{text}."))
    return said


def _edges(losses: Sequence[LossCase], results: Sequence[Score], rows: Sequence[Row]) -> Row:
    """BCE where a prediction is exactly 0 or 1: a remark where only that is wrong."""
    pairs = [
        (as_expected(t, b), b)
        for case, s in zip(losses, results)
        for key, t in (("J", s.get("J")), ("dJdy_hat", s.get("dJdy_hat")))
        for b in [loss_model("bce", key, case)]
        if case.certain and t is not None
    ]
    usual = all(row.verdict == "right" for row in rows)
    raised = next((s["error"] for case, s in zip(losses, results) if case.certain and s["error"]), "")
    if raised or not pairs:
        return Row("bce at 0 and 1", "remark" if usual and raised else "error", "" if raised else "not computed", raised)
    if all(same(a, b) for a, b in pairs):
        return Row("bce at 0 and 1", "right")
    return Row("bce at 0 and 1", "remark" if usual else "wrong", "torch's clamps are missing" if usual else "wrong as elsewhere")
