"""Grading in this process, for files of our own; and what the reports say in short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, cast

import torch
from mistakes import CORRECT, NET_SPOILS, spoiled
from mistakes_losses import LOSS_SPOILS, Spoil
from torch import Tensor

from pure_mlp.homework.grade.cases import GRADS, PARAMETERS, LossCase, NetCase, loss_cases, net_cases
from pure_mlp.homework.grade.diagnose_loss import diagnose_loss
from pure_mlp.homework.grade.diagnose_net import diagnose_net
from pure_mlp.homework.grade.judge import Report, judge
from pure_mlp.homework.grade.loss_mistakes import loss_sentence
from pure_mlp.homework.grade.net_mistakes import net_sentence
from pure_mlp.homework.grade.probe.net import Student
from pure_mlp.homework.grade.probe.observe import observe
from pure_mlp.homework.grade.probe.seen import Observed

NETS, LOSSES = net_cases(), loss_cases()
SQUARE = [case for case in NETS if case.widths == (4, 4, 4)]
PASSES = (("", "", "x", "dJ"), (" twice", "", "x'", "dJ'"), (" new", "new ", "x", "dJ"))
"""Of one net: which pass it is, what its parameters are called, its input and its upstream gradient."""
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


def named_there(source: str) -> dict[str, object]:
    """What the file defines; nothing of it is on disk."""
    names: dict[str, object] = {"__name__": "mlp"}
    exec(compile(source, "mlp.py", "exec"), names)
    return names


def passed(source: str, nets: Sequence[NetCase]) -> list[dict[str, Tensor]]:
    """What `comparable` leaves of what `run_net` computes, of a file that clears as it should: a few of its many passes."""
    build = cast(Callable[..., Student], named_there(source)["MLP"])
    results: list[dict[str, Tensor]] = []
    for case in nets:
        results.append(found := {})
        n, h, k = case.widths
        t = case.tensors
        torch.default_generator.manual_seed(case.seed)
        net = build(n, h, case.f, h, k, case.g)
        with suppress(RuntimeError):  # shapes that do not fit
            for which, prefix, x, dJ in PASSES:
                if which == " new":
                    net.clear_grad_and_cache()
                net.parameters.update({name: t[prefix + name].clone() for name in PARAMETERS})
                found["y" + which] = cast(Tensor, net.forward(t[x].clone())).clone()
                net.backward(t[dJ].clone())
                found.update({name + which: torch.as_tensor(net.grads[name]).clone() for name in GRADS})
    return results


def of_net(source: str) -> set[str]:
    """The mistakes of the net that the diagnosis names from the square nets, where no product fails by its shape."""
    found = diagnose_net(SQUARE, passed(source, SQUARE))
    return {*found.mistakes, *found.unexplained}


def of_loss(source: str, loss: str, key: Literal["J", "dJdy_hat"]) -> set[str]:
    """The mistakes of one quantity of one loss that the diagnosis names."""
    score = cast(Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], named_there(source)[f"{loss}_loss"])
    scored = [score(case.y.clone(), case.y_hat.clone())[key != "J"] for case in LOSSES]
    return {f"{loss} {key} {name}" for name in diagnose_loss(loss, key, LOSSES, scored) or ["unknown"]}


def report(source: str) -> Report:
    """The report on the file."""
    return judge("mlp.py", source, observed(source), NETS, LOSSES)


def report_of_net(source: str) -> Report:
    """The report on a file whose losses are those of the correct one, which are not computed again."""
    return judge("mlp.py", source, {**observed(source, losses=()), "losses": right()["losses"]}, NETS, LOSSES)


def report_of_losses(source: str) -> Report:
    """The report on a file whose net is that of the correct one, which is not run again."""
    return judge("mlp.py", source, {**observed(source, nets=()), "nets": right()["nets"]}, NETS, LOSSES)


@cache
def right() -> Observed:
    """What the correct file does."""
    return observed(CORRECT)


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
