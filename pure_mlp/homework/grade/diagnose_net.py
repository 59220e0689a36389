"""The mistakes with which the model computes what a file's net computes: forward first, then dJ/dW2 and dJ/db2, then the others.

At most three of forward; at most two of what dJ/dW2 and dJ/db2 show, and two of what only dJ/dW1 and dJ/db1 show. Where none
explain two gradients together, each is looked at alone, and then on top of what the others show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, islice, product

import attrs
from torch import Tensor

from pure_mlp.homework.grade.cases import NetCase
from pure_mlp.homework.grade.compare import RTOL, figure, ratio, same
from pure_mlp.homework.grade.net_mistakes import EVERYWHERE, FORWARD, LOWER, UPPER, merged
from pure_mlp.homework.grade.net_model import FROM_Z, Mistakes, first_model, net_model, net_value
from pure_mlp.homework.grade.wrong_functions import UPSTREAM

Seen = Sequence[Mapping[str, Tensor]]
NONE: Mistakes = frozenset()
STATE = ("overwriting", "stale cache")
DIVISORS: dict[str, Callable[[int, int], int]] = {
    "": lambda batch, k: 1,
    "mean in backward": lambda batch, k: batch,
    "features in backward": lambda batch, k: k,
    "numel in backward": lambda batch, k: batch * k,
}
HIDING = {"rounded", "thresholded"}
"""Mistakes of forward after which y_hat may not show another one, that the gradients show."""

MOST = 8
"""So many explanations of dJ/dW2 and dJ/db2 are tried on the other two gradients."""


@attrs.frozen
class Found:
    """The mistakes that were found, and the quantities (y, dJdW1, ..) that no mistakes explain."""

    mistakes: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()


def diagnose_net(cases: Sequence[NetCase], seen: Seen) -> Found:
    """What makes the difference. `seen` holds a mapping a case, with names of `net_model`; what is missing there is not compared.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> case = net_cases()[0]
    >>> diagnose_net([case], [net_model(case)]), diagnose_net([case], [{"y": case.tensors["dJ"]}]).unexplained
    (Found(mistakes=(), unexplained=()), ('y',))
    """
    ahead = next(_explaining(["y"], [NONE], [*FORWARD], cases, seen, most=3), None)
    base = ahead or NONE
    found = {*base}
    lost: list[str] = [] if ahead is not None else ["y"]
    if ahead is None:
        seen = rightly_forwarded(cases, seen)
    hidden = [*FORWARD] if base & HIDING else []
    whole, below = [*UPPER, *EVERYWHERE, *_bounds(seen), *hidden], [*LOWER]
    if state_alone := not base and not lost and _right_at_first(cases, seen):
        whole, below = [*STATE], []
    starts = [base, base | {FROM_Z}] if base else [base]
    scaling = _scaling(cases, seen)
    starts += [start | scaling for start in starts] if scaling else []
    uppers: list[Mistakes] = []
    above_all = ["dJdb2", "dJdW2", *(["y"] if hidden else [])]
    for upper in islice(_explaining(above_all, starts, whole, cases, seen), MOST):
        lower = next(_explaining(["dJdb1", "dJdW1"], [upper], below, cases, seen), None)
        if lower is not None:
            return Found(tuple(merged(frozenset(found | lower))), tuple(lost))
        uppers.append(upper)
    above = next((upper for upper in uppers if FROM_Z not in upper), uppers[0] if uppers else base)
    found |= above
    one = [*STATE] if state_alone else [*UPPER, *STATE, *_bounds(seen)]
    pool = below if uppers or state_alone else [*below, "overwriting", *(name for name in UPPER if name.startswith("g slope"))]
    names = ["dJdb1", "dJdW1"] if uppers else ["dJdb2", "dJdW2", "dJdb1", "dJdW1"]
    while names:  # and those that nothing explains again, on top of what explains the others
        start, waiting = frozenset(found), names
        names = []
        for name in waiting:
            alone = next(_explaining([name], [start], one if name in ("dJdb2", "dJdW2") else pool, cases, seen), None)
            found |= alone or NONE
            names += [name] if alone is None else []
        if start == found:
            break
    lost += names
    return Found(tuple(merged(frozenset(found))), tuple(lost))


def _right_at_first(cases: Sequence[NetCase], seen: Seen) -> bool:
    """Whether one pass in a new net is right, in every case: then nothing but state can be wrong."""
    pairs = [(t, first_model(case)[name]) for case, results in zip(cases, first_pass(seen)) for name, t in results.items()]
    return all(same(found, expected) for found, expected in pairs)


def rightly_forwarded(cases: Sequence[NetCase], seen: Seen) -> Seen:
    """What was computed where y is right: elsewhere the gradients are those of something else.

    Nothing where that is less than a quarter of the cases, which may be right by chance: a saturated sigmoid forgives much.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> case = net_cases()[0]
    >>> rightly_forwarded([case], [{"y": case.tensors["dJ"], "dJdb2": case.tensors["b2"]}])
    [{}]
    """
    right = ["y" in s and same(s["y"], first_model(c)["y"]) for c, s in zip(cases, seen)]
    few = 4 * sum(right) < len(right)
    return [{} if few or not fits else _rightly_later(c, s) for c, s, fits in zip(cases, seen, right)]


def _rightly_later(case: NetCase, results: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The results of one case without those of a later pass in which y is not right."""
    wrong = [name for name in ("y twice", "y new") if name in results and not same(results[name], net_model(case)[name])]
    return {name: t for name, t in results.items() if f"y {name.partition(' ')[2]}" not in wrong}


def first_pass(seen: Seen) -> Seen:
    """What one pass in a new net computes.

    >>> import torch
    >>> first_pass([{"y": torch.ones(1), "y twice": torch.ones(1)}])
    [{'y': tensor([1.])}]
    """
    return [{name: t for name, t in results.items() if " " not in name} for results in seen]


def _explaining(
    names: Sequence[str], starts: Sequence[Mistakes], pool: Sequence[str], cases: Sequence[NetCase], seen: Seen, most: int = 2
) -> Iterator[Mistakes]:
    """One of `starts` with at most so many mistakes of the pool on top, where that explains the named quantities.

    The fewest mistakes come first, and none that holds an earlier one on the same start.
    """
    checks = [  # the first pass of every case is asked before the second of any: most sets fail there
        (name, case, results[name])
        for whichs in (("",), (" twice", " new"))
        for case, results in zip(cases, seen)
        for name in (name + which for name in names for which in whichs)
        if name in results
    ]
    known: dict[Mistakes, list[Mistakes]] = {start: [] for start in starts}
    for size in range(most + 1):
        for start, chosen in product(starts, map(frozenset, combinations(pool, size))):
            fits = not any(chosen >= smaller for smaller in known[start])
            mistakes = start | chosen
            if fits and all(same(found, net_value(name, case, mistakes)) for name, case, found in checks):
                known[start].append(chosen)
                yield mistakes


def _scaling(cases: Sequence[NetCase], seen: Seen) -> Mistakes:
    """The factor that most dJ/db2, or dJ/dW2, have in common which are proportional to the right ones, or to those of `UPSTREAM`.

    As mistakes: a size of the case, a sign and a number, such as "times 2"; nothing for a size or a sign alone, which the pool has.
    """
    shown = {n: [(c, s[n]) for c, s in zip(cases, first_pass(seen)) if n in s and s[n].numel() > 1] for n in ("dJdb2", "dJdW2")}
    best: tuple[int, bool, Mistakes] = (2, False, NONE)
    for upstream, quantity in product((NONE, *(frozenset({name}) for name in UPSTREAM)), shown):
        if upstream and best[0] > 2:
            break
        ratios = [(c, r) for c, found in shown[quantity] if (r := ratio(found, first_model(c, upstream)[quantity]))]
        for name, over in DIVISORS.items():
            factors = [factor * over(*case.tensors["dJ"].shape) for case, factor in ratios]
            counts = [sum(abs(other / factor - 1) < RTOL for other in factors) for factor in factors]
            if counts and max(counts) >= best[0]:
                usual = factors[counts.index(max(counts))]
                one = abs(abs(usual) - 1) < RTOL
                signs = {"sign in backward"} if usual < 0 else NONE
                numbers = NONE if one else {f"times {figure(abs(usual))}"}
                best = max(best, (max(counts), one, frozenset({name} - {""} | signs | numbers)), key=lambda each: each[:2])
    _, one, scaling = best
    return NONE if one and len(scaling) < 2 else scaling


def _bounds(seen: Seen) -> list[str]:
    """The largest size of an element that any gradient has, if several elements have it, as they do where they are clamped."""
    firsts = [t.abs().flatten() for results in first_pass(seen) for name, t in results.items() if name != "y"]
    largest = max((float(t.max()) for t in firsts if t.numel()), default=0.0)
    often = sum(int((t == largest).sum()) for t in firsts)
    return [f"clamped {figure(largest)}"] if often > 5 and 0 < largest < float("inf") else []
