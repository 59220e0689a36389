"""Rows of the table about state: the net as it is made, what it keeps, what it forgets, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import GRADS, NAMES, PARAMETERS, LossCase, NetCase
from pure_mlp.homework.grade.compare import figure, same
from pure_mlp.homework.grade.net_model import drawn
from pure_mlp.homework.grade.probe.seen import Pass, Score
from pure_mlp.homework.grade.rows import Said, Told, told

ACCUMULATES = "gradients add up, by +=, until clear_grad_and_cache."


def raised_at(passes: Sequence[Pass], *stages: str) -> str:
    """The first exception at one of these stages.

    >>> raised_at([{"stage": "forward", "error": "KeyError: 3"}], "start", "forward")
    'KeyError: 3'
    """
    return next((p["error"] for p in passes if p["error"] and p["stage"] in stages), "")


def start(nets: Sequence[NetCase], passes: Sequence[Pass]) -> Told:
    """The net as it is made: what is drawn, zero, empty and kept.

    >>> net = NetCase(0, "relu", "relu", (1, 1, 1), {})
    >>> start([net], [{"stage": "start", "error": "", "initial": {"dJdW1": torch.ones(1)}}])[0].detail
    'grads are not zero in a new net.'
    """
    said = []
    made = [(case, p["drawn"]) for case, p in zip(nets, passes) if "drawn" in p]
    expected = [dict(zip(PARAMETERS, drawn(case))) for case, _ in made]
    pairs = [(name, p[name], e[name]) for (_, p), e in zip(made, expected) for name in PARAMETERS]
    other = [(n, tuple(a.shape), tuple(b.shape)) for n, a, b in pairs if a.shape != b.shape]
    shape = next((f"{n} has the shape {a}, expected {_layout(n)} = {b}." for n, a, b in other), "")
    dtype = next((str(a.dtype)[6:] for _, a, b in pairs if a.dtype != b.dtype), "")
    said += [Said(shape)] if shape else []
    said += [Said(f"The parameters are {dtype}, expected float32.")] if dtype else []
    if any(p.get("records") for p in passes):
        said.append(Said("The parameters require grad: autograd records every forward, and parameters['W1'] -= .. raises."))
    if not shape and not dtype and not all(torch.equal(a, b) for _, a, b in pairs):
        said.append(_drawn_otherwise([(case.widths, tensors) for case, tensors in made], pairs))
    odd = dict.fromkeys(text for p in passes for text in p.get("odd", []))
    said += [Said(f"In a new net {text}.", "a script that reads grads before backward fails") for text in odd]
    if any(grad.any() for p in passes for grad in p.get("initial", {}).values()):
        said.append(Said("grads are not zero in a new net.", "a script that does not clear first gets wrong gradients"))
    for name in ("parameters", "cache"):
        if any(name in p.get("shared", []) for p in passes):
            text = f"All nets share one {name} dict, made once for the class or the file: each net makes its own, in __init__."
            said.append(Said(text, "a script with two nets finds the one's in the other"))
    alone = [c for p in passes if "parameters" not in p.get("shared", []) and "y beside" in (c := p.get("computed", {}))]
    if all(same(c["y again"], c["y"]) for c in alone) and any(not same(c["y beside"], c["y"]) for c in alone):
        text = "All nets share f and g, kept for the class or the file: each net keeps its own, in __init__."
        said.append(Said(text, "a script with two nets of other activations gets those of the last one in both"))
    if any(not p.get("empty", True) for p in passes) and not any("cache" in p.get("shared", []) for p in passes):
        said.append(Said("cache is not an empty dict in a new net.", "a script that looks at the cache sees it"))
    return told("start", said + _attributes(nets, passes), bool(made) and len(made) == len(passes), raised_at(passes, "start"))


def _drawn_otherwise(
    made: Sequence[tuple[tuple[int, int, int], Mapping[str, Tensor]]], pairs: Sequence[tuple[str, Tensor, Tensor]]
) -> Said:
    """What is said of parameters that are not drawn as the template draws them.

    `made` holds the widths and the parameters of each net, `pairs` the name of each parameter, what it is and what it should be.
    """
    risk = "a script that seeds and draws the parameters itself gets other ones"
    (widths, first), others = made[0], made[1:]
    again = [tensors for sizes, tensors in others if sizes == widths]
    if again and all(torch.equal(first[name], tensors[name]) for tensors in again for name in PARAMETERS):
        return Said("Every new net starts with the same parameters, whatever the seed: does __init__ call torch.manual_seed?", risk)
    zero = [name for name in PARAMETERS if not any(bool(tensors[name].any()) for _, tensors in made)]
    hint = f" {', '.join(zero)} {'is' if len(zero) == 1 else 'are'} 0." if zero else ""
    _, one, other = pairs[0]
    times = float(one.sum() / other.sum())
    if times and all(same(a, times * b) for _, a, b in pairs):
        hint = f" They are {figure(times)} times those."
    elif not zero and all(float(t.min()) >= 0 and float(t.max()) < 1 for _, tensors in made for t in tensors.values()):
        hint = " All lie in [0, 1), as torch.rand draws them."
    return Said(f"The start is not the template's: W1, b1, W2, b2 by torch.randn in that order.{hint}", risk)


def _layout(name: str) -> str:
    return "(out, in)" if name[0] == "W" else "(out,)"


def _attributes(nets: Sequence[NetCase], passes: Sequence[Pass]) -> list[Said]:
    """What is kept of the names of the activations."""
    said = []
    for place, name in enumerate(("f_function", "g_function")):
        kept = [(p["attributes"][place], (c.f, c.g)[place]) for c, p in zip(nets, passes) if "attributes" in p]
        wrong = next((a for a, b in kept if a != b), "")
        if wrong:
            how = f" (it is {wrong.strip('<>')})" if wrong.startswith("<") and wrong != "<missing>" else ""
            said.append(Said(f"{name} is not kept as a string{how}.", f"a script that reads net.{name} sees it"))
    return said


def accumulation(passes: Sequence[Pass]) -> Told:
    """Two passes in one net against one pass in each of two nets: right or not whatever the formulas are.

    >>> computed = {f"{g}{which}": torch.ones(2) for g in GRADS for which in ("", " twice", " second")}
    >>> accumulation([{"stage": "", "error": "", "computed": computed}])[0].verdict
    'remark'
    """
    results = [p.get("computed", {}) for p in passes]
    triples = [(g, c[f"{g} twice"], c[g], c[f"{g} second"]) for c in results for g in GRADS if f"{g} second" in c]
    lost = [t for t in triples if t[1].shape != t[2].shape or not same(t[1], t[2] + t[3])]
    names = ", ".join(g for g in GRADS if any(g == name for name, *_ in lost))
    risk = "a script that calls backward twice without clearing fails; one that clears, as step 3 says, does not see it"
    text = f"forward clears the gradients: {ACCUMULATES}" if any(p.get("forgets") for p in passes) else _instead(names, lost)
    said = [Said(text, risk)] if lost else []
    return told("accumulation", said, bool(triples), "" if triples else raised_at(passes, "forward", "backward"))


def _instead(names: str, lost: Sequence[tuple[str, Tensor, Tensor, Tensor]]) -> str:
    """What a second backward does in the place of adding: of name, sum, first and second gradient, those that do not add up."""
    if all(total.shape == second.shape and same(total, second) for _, total, _, second in lost):
        return f"A second backward does not add to {names} but replaces it: {ACCUMULATES}"
    if all(total.shape == one.shape and same(total, one) for _, total, one, _ in lost):
        return f"A second backward adds nothing to {names}: {ACCUMULATES}"
    if all(total.shape == one.shape == second.shape and bool(total.isfinite().all()) for _, total, one, second in lost):
        columns = [(total, one, second) for _, total, one, second in lost]
        whole, first, other = (torch.cat([t.double().flatten() for t in column]) for column in zip(*columns))
        a, b = _factors(whole, first, other)
        if all(same(total, a * one + b * second) for _, total, one, second in lost):
            left, added = ("" if figure(factor) == "1" else f"{figure(factor)} times " for factor in (a, b))
            return f"A second backward leaves {left}what was in {names} and adds {added}its own: {ACCUMULATES}"
    return f"A second backward adds something else than its own gradient to {names}: is the cache of the first forward in it?"


def _factors(whole: Tensor, one: Tensor, other: Tensor) -> tuple[float, float]:
    """a and b for which a one + b other is nearest to the whole.

    >>> _factors(torch.tensor([2.0, 3.0]), torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    (2.0, 3.0)
    """
    aa, ab, bb, wa, wb = (float(u @ v) for u, v in ((one, one), (one, other), (other, other), (whole, one), (whole, other)))
    determinant = aa * bb - ab * ab or 1.0
    return (wa * bb - wb * ab) / determinant, (wb * aa - wa * ab) / determinant


def fresh(passes: Sequence[Pass]) -> Told:
    """A pass with new parameters in an old net, cleared, against one in a new net.

    >>> computed = {"y new": torch.ones(2), "y fresh": torch.zeros(2)}
    >>> fresh([{"stage": "", "error": "", "computed": computed}])[0].detail
    'Replaced parameters are not seen: forward reads the parameters anew each time.'
    """
    results = [p.get("computed", {}) for p in passes]
    names = [("y", *GRADS) if zero(p) else ("y",) for p in passes]
    found = [(n, c[f"{n} new"], c[f"{n} fresh"], c) for c, some in zip(results, names) for n in some if f"{n} fresh" in c]
    stale = [row for row in found if not same(row[1], row[2])]
    said = [Said(_stale(stale))] if stale else []
    return told("new parameters", said, bool(found), "" if found else raised_at(passes, "forward", "backward"))


def _stale(rows: Sequence[tuple[str, Tensor, Tensor, Mapping[str, Tensor]]]) -> str:
    """What is said of results that differ from those of a new net: name, result, the one of a new net, all that was computed."""
    which = [name for name in ("y", *GRADS) if any(name == row[0] for row in rows)]
    if "y" in which:
        return "Replaced parameters are not seen: forward reads the parameters anew each time."
    names = ", ".join(which)
    if all(new.shape == old.shape and same(new, old + c[f"{name} twice"]) for name, new, old, c in rows):
        return f"After clear_grad_and_cache the gradients of before come back in {names}: they are kept elsewhere too."
    return f"Replaced parameters are seen in forward and not in backward ({names}): is something of an earlier forward kept?"


def clearing(passes: Sequence[Pass]) -> Told:
    """What `clear_grad_and_cache` leaves.

    >>> clearing([{"stage": "", "error": "", "cleared": {}, "in_place": False, "cache_cleared": True, "new_cache": True}])[0].detail
    'clear_grad_and_cache makes new grads, and does not zero them in place.'
    """
    done = [p for p in passes if "cleared" in p or "lost" in p]
    said = []
    if reset := [name for name in PARAMETERS if any(name in p.get("reset", []) for p in done)]:
        said.append(Said(f"clear_grad_and_cache changes the parameters {', '.join(reset)}: it clears gradients and cache alone."))
    if lost := next((p["lost"] for p in done if "lost" in p), ""):
        harmless = all("y fresh" in p.get("computed", {}) for p in done)
        risk = "a script that looks at the grads, or adds to them, fails" if harmless else ""
        said.append(Said(f"After clear_grad_and_cache {lost}: it sets each gradient to 0 and keeps it.", risk))
    elif any(not zero(p) for p in done):
        kept = [g for g in GRADS if any(bool(cleared[g].any()) for p in done if (cleared := p.get("cleared")))]
        which = "the grads" if len(kept) == len(GRADS) else ", ".join(kept)
        text = f"clear_grad_and_cache does not zero {which} (step 3 of 1.2(a))."
        last = [c for p in done if f"{GRADS[-1]} fresh" in (c := p.get("computed", {}))]
        news = [(c[f"{g} new"], c[f"{g} fresh"]) for c in last for g in GRADS]
        harmless = bool(news) and all(same(old, new) for old, new in news)
        said.append(Said(text, "none while backward overwrites them; a script that looks at them sees it" if harmless else ""))
    elif any(not p.get("in_place") for p in done):
        text = "clear_grad_and_cache makes new grads, and does not zero them in place."
        said.append(Said(text, "a script that holds the tensors of grads keeps the old ones"))
    if any(not p.get("cache_cleared") for p in done):
        said.append(Said("clear_grad_and_cache does not empty the cache.", "a script that looks at the cache sees it"))
    elif any(not p.get("new_cache") for p in done):
        said.append(Said("clear_grad_and_cache does not make the cache a new dict.", "a script that holds the old cache sees it"))
    return told("clearing", said, bool(done), raised_at(passes, "clear_grad_and_cache"))


def zero(p: Pass) -> bool:
    """Whether the grads are zero after clearing, as far as it came.

    >>> zero({"stage": "", "error": "", "cleared": {"dJdW1": torch.ones(1)}})
    False
    """
    return not any(grad.any() for grad in p.get("cleared", {}).values())


def unchanged(nets: Sequence[NetCase], passes: Sequence[Pass], losses: Sequence[LossCase], scored: Sequence[Score]) -> Told:
    """Whether the arguments are left as they were given; `scored` holds the results of one loss after the other.

    >>> net = NetCase(0, "relu", "relu", (1, 1, 1), {"x": torch.zeros(1)})
    >>> unchanged([net], [{"stage": "", "error": "", "arguments": [("x", torch.ones(1))]}], [], [])[0].detail
    'An argument is changed in place: x; it belongs to the caller.'
    """
    pairs = [(name[:2].strip("'"), t, case.tensors[name]) for case, p in zip(nets, passes) for name, t in p.get("arguments", [])]
    for i, s in enumerate(scored):
        if "label" in s and "prediction" in s:
            pairs += [("y", s["label"], losses[i % len(losses)].y), ("y_hat", s["prediction"], losses[i % len(losses)].y_hat)]
    changed = {{"dJ": "dJdy_hat"}.get(name, name): None for name, ours, theirs in pairs if not _equal(ours, theirs)}
    said = [Said(f"An argument is changed in place: {', '.join(changed)}; it belongs to the caller.")] if changed else []
    return told("arguments", said, bool(pairs))


def _equal(ours: Tensor, theirs: Tensor) -> bool:
    return ours.dtype == theirs.dtype and torch.equal(ours, theirs)


def moved(passes: Sequence[Pass]) -> Told:
    """Whether forward and backward leave the parameters alone.

    >>> moved([{"stage": "", "error": "", "moved": ["W1"]}])[0].detail.partition(". ")[0]
    'The parameters change in backward or forward: W1'
    """
    names = [name for name in PARAMETERS if any(name in p.get("moved", []) for p in passes)]
    text = f"The parameters change in backward or forward: {', '.join(names)}. A step of SGD is the caller's (step 5 of 1.2(a))."
    return told("parameters", [Said(text)] if names else [], any("arguments" in p for p in passes))


def refusal(unknown: str, made: bool = True) -> Told:
    """How an unknown activation is met: `unknown` is the exception, or empty; nothing is said of it where no net can be made.

    >>> refusal("ValueError: expected relu, sigmoid or identity")[0].verdict, refusal("KeyError: 'tanh'")[0].verdict
    ('right', 'remark')
    """
    if unknown.startswith("ValueError") and all(name in unknown for name in NAMES):
        return told("unknown name", [])
    if not made:
        return told("unknown name", [], False)
    text = "An unknown activation is not refused by a ValueError that names relu, sigmoid and identity"
    said = Said(f"{text} ({unknown.splitlines()[0]})." if unknown else f"{text}.", "no public test asks; a typo is found late")
    return told("unknown name", [said])
