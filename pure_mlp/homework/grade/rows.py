"""The rows of the table: each from what was seen, right, wrong by how much, or an error at which line."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import NAMES, PARAMETERS, LossCase, NetCase
from pure_mlp.homework.grade.diagnose import distance, same
from pure_mlp.homework.grade.model import drawn

Seen = Mapping[str, Any]
GRADS = tuple(f"dJd{name}" for name in PARAMETERS)
AUTOGRAD = ("requires_grad", "requires_grad_", "retain_grad", "autograd", "vjp", "jacrev", "grad_and_value")


@attrs.frozen
class Row:
    """One line of the table: what, `right`, `wrong` or `error`, and by how much or which exception."""

    name: str
    verdict: str
    detail: str = ""


def _error(passes: Sequence[Seen], stage: str) -> str:
    return next((p["error"] for p in passes if p["error"] and p["stage"] == stage), "")


def _check(name: str, passes: Sequence[Seen], stage: str, faults: Sequence[tuple[bool, str]]) -> Row:
    """A row that is wrong with the first fault, an error if the stage raised, else right."""
    if text := _error(passes, stage):
        return Row(name, "error", text)
    fault = next((text for bad, text in faults if bad), "")
    return Row(name, "wrong" if fault else "right", fault)


def values(name: str, pairs: Sequence[tuple[Any, Tensor]], passes: Sequence[Seen], stage: str) -> Row:
    """A row of a quantity: how far the worst case is off, relative to its size; then the exception, if a case raised one.
    `pairs` holds what was found, a tensor or nothing, and what is right; `stage` names where the quantity is computed.

    >>> values("y", [(2 * torch.ones(9), torch.ones(9))], [{"stage": "", "error": ""}], "forward")
    Row(name='forward', verdict='wrong', detail='off by 1 of its size')
    """
    name = {"y": "forward"}.get(name, name)
    text = _error(passes, stage) or _error(passes, "start")
    off = [distance(a.reshape(b.shape) if a.numel() == b.numel() == 1 else a, b) for a, b in pairs if isinstance(a, Tensor)]
    if off and not max(off) <= 1e-4:
        shapes = next(
            (
                f"shape {tuple(a.shape)}, expected {tuple(b.shape)}"
                for a, b in pairs
                if isinstance(a, Tensor) and a.shape != b.shape
            ),
            "",
        )
        amount = "not finite where it should be, or the reverse" if max(off) == torch.inf else f"off by {max(off):.2g} of its size"
        return Row(name, "wrong", "; ".join(filter(None, [shapes or amount, text])))
    return Row(name, "error", text) if text or not off else Row(name, "right")


def start(nets: Sequence[NetCase], passes: Sequence[Seen]) -> Row:
    """The net as it is made: what is drawn, zero, empty and kept.

    >>> start([NetCase(0, "relu", "relu", (1, 1, 1), {})], [{"stage": "", "error": "", "zero": False}]).detail
    'grads are not zero'
    """

    def differ(case: NetCase, p: Seen) -> bool:
        return not all(torch.equal(w, v) for w, v in zip(p["drawn"].values(), drawn(case)))

    return _check(
        "start",
        passes,
        "start",
        [
            (
                any("drawn" in p and differ(case, p) for case, p in zip(nets, passes)),
                "seeded parameters are not those of four torch.randn",
            ),
            (any(not p.get("zero", True) for p in passes), "grads are not zero"),
            (any(not p.get("empty", True) for p in passes), "cache is not an empty dict"),
            (
                any(p.get("attributes", [c.f, c.g]) != [c.f, c.g] for c, p in zip(nets, passes)),
                "f_function, g_function are not kept",
            ),
        ],
    )


def refusal(unknown: str) -> Row:
    """How an unknown activation is met: `unknown` is the exception, or empty.

    >>> refusal("ValueError: expected relu, sigmoid or identity").verdict, refusal("KeyError: 'tanh'").verdict
    ('right', 'wrong')
    """
    told = unknown.startswith("ValueError") and all(name in unknown for name in NAMES)
    return Row("unknown name", "right" if told else "wrong", "" if told else unknown.split("\n")[0] or "not refused")


def accumulation(passes: Sequence[Seen]) -> Row:
    """Two passes in one net against one pass in each of two nets: right or wrong whatever the formulas are.

    >>> p = {f"{g}{which}": torch.ones(2) for g in GRADS for which in ("", " twice", " second")} | {"stage": "", "error": ""}
    >>> accumulation([p]).verdict, accumulation([p | {f"{g} twice": 2 * torch.ones(2) for g in GRADS}]).verdict
    ('wrong', 'right')
    """

    def lost(p: Seen) -> bool:
        return any(f"{g} second" in p and not _equal(p[f"{g} twice"], p[g], p[f"{g} second"]) for g in GRADS)

    return _check("accumulation", passes, "backward", [(any(map(lost, passes)), "a second backward does not add to the first")])


def _equal(total: Tensor, *parts: Tensor) -> bool:
    return total.shape == parts[0].shape and same(total, torch.stack(parts).sum(0))


def fresh(passes: Sequence[Seen]) -> Row:
    """A pass with new parameters in an old net against one in a new net.

    >>> p = {f"{q} {which}": torch.ones(2) for q in ("y", *GRADS) for which in ("new", "fresh")} | {"stage": "", "error": ""}
    >>> fresh([p]).verdict, fresh([p | {"y new": torch.zeros(2)}]).detail
    ('right', 'replaced parameters are not seen')
    """

    def stale(p: Seen) -> bool:
        return any(f"{q} fresh" in p and not same(p[f"{q} new"], p[f"{q} fresh"]) for q in ("y", *GRADS))

    return _check("new parameters", passes, "forward", [(any(map(stale, passes)), "replaced parameters are not seen")])


def clearing(passes: Sequence[Seen]) -> Row:
    """What `clear_grad_and_cache` leaves.

    >>> clearing([{"stage": "", "error": "", "grads cleared": True, "in place": False}])
    Row(name='clearing', verdict='wrong', detail='grads are replaced')
    """
    faults = {
        "grads cleared": "grads are not zero",
        "in place": "grads are replaced",
        "cache cleared": "cache is not empty",
        "new cache": "cache is the old dict",
    }
    checks = [(any(not p.get(key, True) for p in passes), text) for key, text in faults.items()]
    return _check("clearing", passes, "clear_grad_and_cache", checks)


def shapes(
    passes: Sequence[Seen], models: Sequence[Mapping[str, Tensor]], scored: Sequence[Seen], losses: Sequence[LossCase]
) -> Row:
    """Every shape of y_hat, gradients and losses, in `passes` against `models`, in `scored` (mse, bce by turns) against `losses`.

    >>> [shapes([{"y": torch.ones(2)}], [{"y": torch.ones(k)}], [], []).verdict for k in (2, 3)]
    ['right', 'wrong']
    """
    wrong = any(key in p and p[key].shape != t.shape for p, m in zip(passes, models) for key, t in m.items())
    wrong |= any("J" in r and (r["J"].shape != () or r["dJdy_hat"].shape != losses[i // 2].y.shape) for i, r in enumerate(scored))
    return Row("shapes", "wrong" if wrong else "right")


def dtypes(passes: Sequence[Seen], scored: Sequence[Seen]) -> Row:
    """Whether all that was computed is float32.

    >>> dtypes([{"y": torch.ones(1)}], [{"J": torch.ones((), dtype=torch.float64)}])
    Row(name='dtypes', verdict='wrong', detail='torch.float64')
    """
    tensors = [v for p in (*passes, *scored) for v in p.values() if isinstance(v, Tensor)]
    other = sorted({str(v.dtype) for v in tensors} - {"torch.float32"})
    return Row("dtypes", "wrong" if other else "right", ", ".join(other))


def unchanged(passes: Sequence[Seen], scored: Sequence[Seen]) -> Row:
    """Whether the arguments came back as they were given.

    >>> unchanged([{"x changed": True, "dJ changed": False}], [])
    Row(name='arguments', verdict='wrong', detail='changed in place: x')
    """
    names = {"x changed": "x", "dJ changed": "dJdy_hat", "changed": "y or y_hat"}
    changed = [name for key, name in names.items() if any(p.get(key, False) for p in (*passes, *scored))]
    return Row("arguments", "wrong" if changed else "right", f"changed in place: {', '.join(changed)}" if changed else "")


def autograd(source: str, seen: Seen, passes: Sequence[Seen]) -> Row:
    """At run time it is a fault; names in the source are told, and are none: a file may check itself against autograd.
    Raises `SyntaxError` for a source that does not parse.

    >>> autograd("J.requires_grad", {"autograd": [], "losses": []}, [])
    Row(name='no autograd', verdict='right', detail='in the source: requires_grad')
    """
    used = [*seen["autograd"], *(["y_hat requires grad"] if any(p.get("autograd") for p in (*passes, *seen["losses"])) else [])]
    written = sorted({n.attr for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Attribute)} & {*AUTOGRAD})
    detail = "; ".join(filter(None, [", ".join(used), f"in the source: {', '.join(written)}" if written else ""]))
    return Row("no autograd", "wrong" if used else "right", detail)
