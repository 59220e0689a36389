"""Rows of the table about state: the net as it is made, what it keeps, what it forgets, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import NAMES, LossCase, NetCase
from pure_mlp.homework.grade.diagnose import same
from pure_mlp.homework.grade.model import drawn
from pure_mlp.homework.grade.probe.seen import Pass, Score
from pure_mlp.homework.grade.rows import GRADS, Row


def _row(name: str, passes: Sequence[Pass], stages: Sequence[str], reached: bool, faults: Iterable[tuple[bool, str]]) -> Row:
    """A row that is an error if one of the `stages` raised or none was `reached`, wrong with the first fault, else right."""
    if fault := next((text for bad, text in faults if bad), ""):
        return Row(name, "wrong", fault)
    if text := next((p["error"] for p in passes if p["error"] and p["stage"] in stages), ""):
        return Row(name, "error", raised=text)
    return Row(name, "right") if reached else Row(name, "error", "not reached")


def start(nets: Sequence[NetCase], passes: Sequence[Pass]) -> Row:
    """The net as it is made: what is drawn, zero, empty and kept.

    >>> net = NetCase(0, "relu", "relu", (1, 1, 1), {})
    >>> start([net], [{"stage": "start", "error": "", "drawn": {}, "initial": {"dJdW1": torch.ones(1)}}]).detail
    'grads are not zero'
    """
    faults = [
        (any(p["initial"][name].any() for p in passes if "initial" in p for name in p["initial"]), "grads are not zero"),
        (any(not p.get("empty", True) for p in passes), "cache is not an empty dict"),
        (any(p.get("attributes", (c.f, c.g)) != (c.f, c.g) for c, p in zip(nets, passes)), "f_function, g_function are not kept"),
        (
            any("drawn" in p and not _equal(p["drawn"].values(), drawn(c)) for c, p in zip(nets, passes)),
            "seeded parameters are not those of four torch.randn",
        ),
    ]
    return _row("start", passes, ["start"], all("drawn" in p for p in passes), faults)


def _equal(ours: Iterable[Tensor], theirs: Iterable[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(ours, theirs))


def accumulation(passes: Sequence[Pass]) -> Row:
    """Two passes in one net against one pass in each of two nets: right or wrong whatever the formulas are.

    >>> computed = {f"{g}{which}": torch.ones(2) for g in GRADS for which in ("", " twice", " second")}
    >>> accumulation([{"stage": "", "error": "", "computed": computed}]).verdict
    'wrong'
    """
    triples = [
        (g, c[f"{g} twice"], c[g], c[f"{g} second"])
        for p in passes
        for c in [p.get("computed", {})]
        for g in GRADS
        if f"{g} second" in c
    ]
    lost = [(g, total, second) for g, total, one, second in triples if total.shape != one.shape or not same(total, one + second)]
    instead = " but replaces it" if all(total.shape == second.shape and same(total, second) for _, total, second in lost) else ""
    fault = f"a second backward does not add to {', '.join(g for g in GRADS if any(g == name for name, _, _ in lost))}{instead}"
    return _row("accumulation", passes, ["forward", "backward"], bool(triples), [(bool(lost), fault)])


def fresh(passes: Sequence[Pass]) -> Row:
    """A pass with new parameters in an old net against one in a new net.

    >>> computed = {"y new": torch.ones(2), "y fresh": torch.zeros(2)}
    >>> fresh([{"stage": "", "error": "", "computed": computed}]).detail
    'replaced parameters are not seen'
    """
    pairs = [
        (c[f"{name} new"], c[f"{name} fresh"])
        for p in passes
        for c in [p.get("computed", {})]
        for name in ("y", *GRADS)
        if f"{name} fresh" in c
    ]
    stale = any(not same(old, new) for old, new in pairs)
    return _row("new parameters", passes, ["forward", "backward"], bool(pairs), [(stale, "replaced parameters are not seen")])


def clearing(passes: Sequence[Pass]) -> Row:
    """What `clear_grad_and_cache` leaves.

    >>> clearing([{"stage": "", "error": "", "cleared": {}, "in_place": False, "cache_cleared": True, "new_cache": True}]).detail
    'grads are replaced'
    """
    done = [p for p in passes if "cleared" in p]
    faults = [
        (any(not zero(p) for p in done), "grads are not zero"),
        (any(not p.get("in_place") for p in done), "grads are replaced"),
        (any(not p.get("cache_cleared") for p in done), "cache is not empty"),
        (any(not p.get("new_cache") for p in done), "cache is the old dict"),
    ]
    return _row("clearing", passes, ["clear_grad_and_cache"], bool(done), faults)


def zero(p: Pass) -> bool:
    """Whether the grads are zero after clearing, as far as it came.

    >>> zero({"stage": "", "error": "", "cleared": {"dJdW1": torch.ones(1)}})
    False
    """
    return not any(grad.any() for grad in p.get("cleared", {}).values())


def unchanged(nets: Sequence[NetCase], passes: Sequence[Pass], losses: Sequence[LossCase], scored: Sequence[Score]) -> Row:
    """Whether the arguments are left as they were given.

    >>> net = NetCase(0, "relu", "relu", (1, 1, 1), {"x": torch.zeros(1)})
    >>> unchanged([net], [{"stage": "", "error": "", "arguments": [("x", torch.ones(1))]}], [], []).detail
    'changed in place: x'
    """
    pairs = [(name[:2].strip("'"), t, case.tensors[name]) for case, p in zip(nets, passes) for name, t in p.get("arguments", [])]
    for i, s in enumerate(scored):
        if "label" in s and "prediction" in s:
            pairs += [("y", s["label"], losses[i // 2].y), ("y_hat", s["prediction"], losses[i // 2].y_hat)]
    changed = {{"dJ": "dJdy_hat"}.get(name, name): None for name, ours, theirs in pairs if not torch.equal(ours, theirs)}
    fault = f"changed in place: {', '.join(changed)}" if changed else ""
    return Row("arguments", "wrong" if fault else "right" if pairs else "error", fault or ("" if pairs else "not reached"))


def refusal(unknown: str) -> Row:
    """How an unknown activation is met: `unknown` is the exception, or empty.

    >>> refusal("ValueError: expected relu, sigmoid or identity").verdict, refusal("KeyError: 'tanh'").verdict
    ('right', 'wrong')
    """
    told = unknown.startswith("ValueError") and all(name in unknown for name in NAMES)
    return Row("unknown name", "right" if told else "wrong", "" if told else unknown.split("\n")[0] or "not refused")
