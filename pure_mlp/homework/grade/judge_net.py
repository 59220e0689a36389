"""What is said of a net's numbers: the rows of forward and of the four gradients, and a sentence for each that is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import attrs
from torch import Tensor

from pure_mlp.homework.grade.cases import GRADS, NetCase
from pure_mlp.homework.grade.compare import same
from pure_mlp.homework.grade.diagnose_net import Found, Seen, diagnose_net, first_pass, rightly_forwarded
from pure_mlp.homework.grade.hints import hint
from pure_mlp.homework.grade.net_mistakes import FORWARD, MISFITS, SOFT, net_sentence
from pure_mlp.homework.grade.net_model import net_model
from pure_mlp.homework.grade.patterns import described, where
from pure_mlp.homework.grade.probe.seen import Pass
from pure_mlp.homework.grade.relations import decay, exchanged, following, gathered, listed
from pure_mlp.homework.grade.rows import Row, Said, told, values
from pure_mlp.homework.grade.states import raised_at, zero

RISKS = {
    "overwriting": "a script that calls backward twice without clearing fails; one that clears, as step 3 says, does not see it",
    "stale cache": "a script that makes two passes without clearing fails",
}
LATER = {"": "", " twice": "In a second pass in one net ", " new": "After clearing, with new parameters, "}
MIXES = (
    "forward: the y_hat of an example depends on the examples beside it: is something centred, normalised or summed over the "
    "batch, dim 0, softmax taken there, or x reshaped for .t()?"
)
KINK = "no random number is exactly 0: a test of relu'(0) alone sees it"


@attrs.frozen
class NetJudgement:
    """The rows and sentences of a net, and the mistakes of the library among them.

    `steady` says that a result depends on nothing but the net and its input, without which the later passes say nothing.
    """

    rows: tuple[Row, ...]
    said: tuple[Said, ...]
    mistakes: tuple[str, ...] = ()
    steady: bool = True


def judge_net(nets: Sequence[NetCase], passes: Sequence[Pass], states_wrong: Sequence[Said]) -> NetJudgement:
    """Judge what `run_net` saw in these cases. `states_wrong` is what is said of the second and third pass by themselves.

    >>> judge_net([], [], []).rows[0]
    Row(name='forward', verdict='right', detail='', raised='', share=0.0)
    """
    models = [net_model(case) for case in nets]
    usual = [i for i, case in enumerate(nets) if not case.kink]
    rows = [_row(key, [passes[i] for i in usual], [models[i] for i in usual], [nets[i] for i in usual]) for key in ("y", *GRADS)]
    if unsteady := _unsteady(passes):
        raised = [s for s in exceptions(nets, passes) if "random" in unsteady.text]
        said = raised if "random" in unsteady.text and any(p.get("moved") for p in passes) else [unsteady, *raised]
        return NetJudgement((*rows, _kinks(nets, passes, models, rows)), tuple(said), steady=False)
    seen: Seen = [comparable(p) for p in passes]
    found = diagnose_net(nets, seen)
    if "y" in found.unexplained:
        right = rightly_forwarded(nets, seen)
        seen = [{**r, **{name: t for name, t in s.items() if name[0] == "y"}} for s, r in zip(seen, right)]
    alone: list[Said] = []
    if found.unexplained and states_wrong:  # what is odd about the next passes hides nothing of the first one
        found, alone = diagnose_net(nets, first_pass(seen)), [*states_wrong]
    partly = [s for s in states_wrong if "second backward" in s.text and ", ".join(GRADS) not in s.text]
    partly += [s for s in states_wrong if s.text.startswith("forward clears")]
    if partly and "overwriting" in found.mistakes:  # of some gradients only: which, is said
        found = attrs.evolve(found, mistakes=tuple(name for name in found.mistakes if name != "overwriting"))
        alone += partly
    stored = _stored(passes, models)
    names = [name for name in found.mistakes if name in FORWARD] if stored else found.mistakes
    said = [Said(net_sentence(name), risk_of(name)) for name in names]
    said += [stored] if stored else _unexplained(found, nets, seen, models, passes)
    raised = [s for s in exceptions(nets, passes) if not (MISFITS & {*found.mistakes} and "RuntimeError" in s.text)]
    return NetJudgement((*rows, _kinks(nets, passes, models, rows)), (*said, *alone, *raised), found.mistakes)


def _unsteady(passes: Sequence[Pass]) -> Said | None:
    """What to say where nets share their grads, or where one net gives one input two results."""
    if any("grads" in p.get("shared", []) for p in passes):
        return Said("All nets share one grads dict, made once for the class or the file: each net makes its own, in __init__.")
    pairs = [(c["y"], c["y again"]) for p in passes for c in [p.get("computed", {})] if "y again" in c]
    if all(same(again, y) for y, again in pairs):
        return None
    return Said("forward gives one input another result each time: is it random (noise, dropout), or does it change something?")


def _mixes(passes: Sequence[Pass]) -> bool:
    """Whether the result for an example depends on those beside it."""
    pairs = [(c["y"][:1], c["y alone"]) for p in passes for c in [p.get("computed", {})] if "y alone" in c and c["y"].dim() == 2]
    return any(a.shape == b.shape and not same(b, a) for a, b in pairs)


def risk_of(name: str) -> str:
    """What a mistake risks where no hidden test sees it; nothing where one does.

    >>> risk_of("slope missing"), risk_of("slope 1 at 0") == KINK
    ('', True)
    """
    return RISKS.get(name, KINK) if name in SOFT else ""


def comparable(p: Pass) -> Mapping[str, Tensor]:
    """What was computed, without the last pass where that found gradients or a cache of the passes before.

    >>> import torch
    >>> computed = {"y": torch.ones(1), "y new": torch.ones(1)}
    >>> list(comparable({"stage": "", "error": "", "computed": computed, "cache_cleared": False}))
    ['y']
    """
    cleared = zero(p) and p.get("cache_cleared", True)
    return {key: value for key, value in p.get("computed", {}).items() if cleared or not key.endswith(" new")}


def exceptions(nets: Sequence[NetCase], passes: Sequence[Pass]) -> list[Said]:
    """A sentence for each exception, with the cases in which it was raised; what is no exception stands by itself.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> [s.text for s in exceptions(net_cases()[:1], [{"stage": "forward", "error": "KeyError: 3 (line 7)"}])]
    ['forward raises KeyError: 3 (line 7).']
    """
    usual = [i for i, case in enumerate(nets) if not case.kink]
    kinds: dict[tuple[str, str], list[int]] = {}
    for at, i in enumerate(usual):
        if error := passes[i]["error"]:
            kind = "recursion" if error.startswith("RecursionError") else _but_numbers(error)
            kinds.setdefault((passes[i]["stage"], kind), []).append(at)
    said = []
    for (stage, _), bad in sorted(kinds.items(), key=lambda kind: -len(kind[1]))[:4]:
        error, number = passes[usual[bad[0]]]["error"], len(bad)
        place = where([nets[i] for i in usual], bad)
        cases = f"{number} of {len(usual)} cases"
        some = "" if number == len(usual) else f" {place} ({cases})" if place else f", in {cases}"
        by = "MLP(in1, out1, f, in2, out2, g)" if stage == "start" else stage
        raised = re.match(r"\w+(: | \(line \d+\)$|$)", error)
        said.append(Said(f"{by} raises {error}{some}{hint(error)}" if raised else f"{error}{some}."))
    return list(dict.fromkeys(said))


def _but_numbers(error: str) -> str:
    """An exception without the sizes in its text, which differ from case to case; with its line."""
    text, line, rest = error.partition(" (line ")
    return re.sub(r"\d+", "", text) + line + rest


def _row(key: str, passes: Sequence[Pass], models: Sequence[Mapping[str, Tensor]], nets: Sequence[NetCase]) -> Row:
    found = [p.get("computed", {}).get(key) for p in passes]
    return values({"y": "forward"}.get(key, key), found, [m[key] for m in models], nets, passes)


def _kinks(nets: Sequence[NetCase], passes: Sequence[Pass], models: Sequence[Mapping[str, Tensor]], rows: Sequence[Row]) -> Row:
    """The gradients where a unit is exactly at the kink of ReLU: a remark where only that is wrong."""
    kinks = [(nets[i], passes[i], models[i]) for i, case in enumerate(nets) if case.kink]
    pairs = [(c[g], m[g]) for _, p, m in kinks for c in [p.get("computed", {})] for g in GRADS if g in c]
    if not pairs:
        return told("relu at 0", [], False, raised_at([p for _, p, _ in kinks], "start", "forward", "backward"))[0]
    if all(same(a, b) for a, b in pairs):
        return Row("relu at 0", "right")
    usual = all(row.verdict == "right" for row in rows)
    return Row("relu at 0", "remark" if usual else "wrong", "relu'(0) is not 0" if usual else "wrong as elsewhere")


def _stored(passes: Sequence[Pass], models: Sequence[Mapping[str, Tensor]]) -> Said | None:
    """What to say where all gradients stay 0."""
    pairs = [(c[g], m[g]) for p, m in zip(passes, models) for c in [p.get("computed", {})] for g in GRADS if g in c]
    if not pairs or not any(b.any() for _, b in pairs) or any(bool(a.any()) for a, _ in pairs):
        return None
    returned = next((kind for p in passes if (kind := p.get("returned"))), "")
    instead = f" It returns {returned} instead." if returned else ""
    return Said(f"backward stores nothing: the gradients in grads are all 0.{instead}")


def _unexplained(found: Found, nets: Sequence[NetCase], seen: Seen, models: Seen, passes: Sequence[Pass]) -> list[Said]:
    """Sentences about the quantities that no mistakes explain: of the first pass, or of the passes after it."""
    told: dict[str, str] = {}
    risks: dict[str, str] = {}
    pairs = {key: [(s[key], m[key]) for s, m in zip(seen, models) if key in s] for key in ("y", *GRADS)}
    right = [key for key, those in pairs.items() if those and all(same(a, b) for a, b in those)]
    zeros = [key for key in GRADS if key in found.unexplained and not any(bool(a.any()) for a, _ in pairs[key])]
    for key in found.unexplained:
        if key in zeros:
            told[key] = f"{listed(zeros)} {'stays' if len(zeros) == 1 else 'stay'} 0: does backward store that?"
            if other := [*dict.fromkeys(name for p in passes for name in p.get("others", []))]:
                told[key] += f" grads has {', '.join(other)} besides."
        elif holds := exchanged(key, seen, models):
            told[key] = f"{key} holds what {holds} should hold."
        elif key != "y" and (times := decay(key, nets, seen, models)):
            told[key] = f"{key} has {times} times its parameter added: weight decay is no part of the gradient of J."
        else:
            told[key], risks[key] = _described(key, nets, seen, models, right)
    if "y" in told:
        told["y"] = MIXES if _mixes(passes) else told["y"]
        told["y"] += " The gradients are looked at where it is right alone."
    for first in ("dJdb2", "dJdb1"):
        if f"dJdW{first[-1]}" not in right and first not in zeros:
            told = gathered(told, first, *following(first, nets, seen, models, frozenset(found.mistakes)))
    return [Said(text, risks.get(key, "")) for key, text in told.items() if text]


def _described(key: str, nets: Sequence[NetCase], seen: Seen, models: Seen, right: Sequence[str]) -> tuple[str, str]:
    """A sentence about the first of the three passes in which this is wrong, and what that risks."""
    for name in (key, f"{key} twice", f"{key} new"):
        results = [s.get(name) for s in seen]
        pairs = [(a, m[name]) for a, m in zip(results, models) if a is not None]
        if any(not same(a, b) for a, b in pairs):
            text = described(key, nets, results, [m[name] for m in models], [] if name != key else right)
            return f"{LATER[name[len(key) :]]}{text}", RISKS["overwriting"] if name.endswith(" twice") else ""
    return "", ""
