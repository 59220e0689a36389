"""Grading in this process, for files of our own; and what the reports say in short."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from mistakes import NET_SPOILS, spoiled
from mistakes_losses import LOSS_SPOILS, Spoil

from pure_mlp.homework.grade.cases import LossCase, NetCase, loss_cases, net_cases
from pure_mlp.homework.grade.diagnose_loss import diagnose_loss
from pure_mlp.homework.grade.diagnose_net import diagnose_net
from pure_mlp.homework.grade.judge import Report, judge
from pure_mlp.homework.grade.judge_net import comparable
from pure_mlp.homework.grade.loss_mistakes import loss_sentence
from pure_mlp.homework.grade.net_mistakes import net_sentence
from pure_mlp.homework.grade.probe.observe import observe
from pure_mlp.homework.grade.probe.seen import Observed

NETS, LOSSES = net_cases(), loss_cases()
SENTENCES = {name: net_sentence(name) for name in NET_SPOILS}
SENTENCES |= {f"{loss} {key} {name}": loss_sentence(name, f"{loss}_loss, {key}") for loss, key, name in LOSS_SPOILS}
NAMES = {text: name for name, text in SENTENCES.items()}
SPOILS: dict[str, Spoil] = NET_SPOILS | {" ".join(key): spoil for key, spoil in LOSS_SPOILS.items()}


def observed(source: str, nets: Sequence[NetCase] = NETS, losses: Sequence[LossCase] = LOSSES) -> Observed:
    """What the file does in these cases."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "mlp.py")
        path.write_text(source, "utf-8")
        return observe(str(path), [c.given for c in nets], [(c.y, c.y_hat) for c in losses])


def of_net(source: str) -> set[str]:
    """The mistakes of the net that the diagnosis names from the square nets, where no product fails by its shape."""
    nets = [case for case in NETS if case.widths == (4, 4, 4)]
    passes = observed(source, nets, losses=())["nets"]
    found = diagnose_net(nets, [comparable(p) for p in passes])
    return {*found.mistakes, *found.unexplained}


def of_loss(source: str, loss: str, key: Literal["J", "dJdy_hat"]) -> set[str]:
    """The mistakes of one quantity of one loss that the diagnosis names."""
    scored = observed(source, nets=())["losses"][("mse", "bce").index(loss) :: 2]
    return {f"{loss} {key} {name}" for name in diagnose_loss(loss, key, LOSSES, [s[key] for s in scored]) or ["unknown"]}


def report(source: str) -> Report:
    """The report on the file."""
    return judge("mlp.py", source, observed(source), NETS, LOSSES)


def said(found: Report) -> list[str]:
    """All sentences, of what fails and of what is remarked."""
    return [*found.diagnosis, *(remark.text for remark in found.remarks)]


def named(found: Report) -> set[str]:
    """The mistakes that the report names, by the names of the library; what is no mistake of the library, by its sentence."""
    return {NAMES.get(text, text) for text in said(found)}


def planted(*names: str) -> str | None:
    """A correct file with these mistakes in it, None where one leaves no place for the other."""
    for order in (names, names[::-1]):
        try:
            return spoiled(*(SPOILS[name] for name in order))
        except LookupError:
            continue
    return None


def rows(found: Report) -> dict[str, str]:
    """The verdict of each row."""
    return {row.name: row.verdict for row in found.rows}
