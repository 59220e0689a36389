"""Every mistake, and two and three of them, planted in a correct file: a confusion table."""

from __future__ import annotations

import os
from collections import Counter
from itertools import combinations
from typing import Literal

import pytest
from graded import (
    LOSSES,
    NETS,
    SPOILS,
    SQUARE,
    named,
    observed,
    of_loss,
    of_net,
    passed,
    planted,
    report,
    report_of_losses,
    report_of_net,
    said,
)
from mistakes import NET_SPOILS, STATE_SPOILS, spoiled
from mistakes_losses import LOSS_SPOILS

from pure_mlp.homework.grade.compare import same
from pure_mlp.homework.grade.judge import judge
from pure_mlp.homework.grade.judge_net import comparable
from pure_mlp.homework.grade.net_mistakes import FORWARD, LOWER, MERGED, UPPER
from pure_mlp.homework.grade.net_model import FROM_Z, net_value

PLAIN = [name for name in NET_SPOILS if name not in MERGED]
FITTED = ("times 2", "clamped 0.25")  # two numbers that are computed from what is seen: what is clamped shows no factor
PAIRS = [pair for pair in combinations(PLAIN, 2) if {*pair} != {*FITTED}]
SOME = PAIRS[::21]
"""Enough for a gate; `EVERY_PAIR=1` takes all, which is minutes."""
LOSS_PAIRS = [pair for pair in combinations(LOSS_SPOILS, 2) if pair[0][:2] == pair[1][:2]]


def test_every_mistake_is_named_and_no_other() -> None:
    """The confusion table of the library has a diagonal and nothing else."""
    table = {
        name: named((report_of_net if name in NET_SPOILS else report_of_losses)(spoiled(spoil))) for name, spoil in SPOILS.items()
    }
    assert {name: found for name, found in table.items() if found != {name}} == {}
    assert len(table) == len(NET_SPOILS) + len(LOSS_SPOILS) == 253


@pytest.mark.parametrize("advice", STATE_SPOILS)
def test_every_mistake_of_state_is_named(advice: str) -> None:
    found = report(spoiled(STATE_SPOILS[advice]))
    assert len(said(found)) == 1, said(found)
    assert advice in said(found)[0]


def merged(pair: tuple[str, ...]) -> set[str]:
    """Two halves of one mistake are that one."""
    return next(({one} for one, halves in MERGED.items() if {*halves} == {*pair}), {*pair})


def test_what_is_asked_of_pairs_is_what_the_probe_asks() -> None:
    """`passed` against `run_net`, bit for bit, right and wrong, in the square nets that pairs are told by."""
    for name in [*NET_SPOILS][::12]:
        source = spoiled(NET_SPOILS[name])
        probed = [comparable(p) for p in observed(source, SQUARE, losses=())["nets"]]
        for few, all_of_them in zip(passed(source, SQUARE), probed):
            assert all(same(few[key], all_of_them[key], rtol=0.0) for key in few), name
            assert len(few) == 15, name


def verdict(pair: tuple[str, str], source: str | None, found: set[str]) -> str:
    """Both are named, or mistakes that compute, to rounding, what the two compute."""
    if found == merged(pair):
        return "both are named"
    other = planted(*found) if found <= SPOILS.keys() else None
    if source is None:
        return f"{pair} is called {found}"
    if other is not None and len(found) <= 2 and computes_the_same(source, other):
        return "computes what others compute"
    if found & FORWARD.keys() and is_modelled(source, found | {FROM_Z}):
        return "computes what others compute"
    whole = named(report(source))  # what square nets do not show
    if whole != merged(pair) and is_modelled(source, whole | {FROM_Z}):
        return "computes what others compute"
    return "both are named" if whole == merged(pair) else f"{pair} is called {found}, in all cases {whole}"


def computes_the_same(*texts: str) -> bool:
    nets = [*zip(*(passed(text, SQUARE) for text in texts))]
    scores = zip(*(observed(text, nets=())["losses"] for text in texts))
    losses = [({"J": s["J"], "d": s["dJdy_hat"]}, {"J": t["J"], "d": t["dJdy_hat"]}) for s, t in scores]
    return all(a.keys() == b.keys() and all(same(a[n], b[n]) for n in a) for a, b in [*nets, *losses])


def is_modelled(source: str, mistakes: set[str]) -> bool:
    """Whether the model of these computes what the file computes: a slope that is right for its z is named by nothing."""
    halves = frozenset(half for name in mistakes for half in MERGED.get(name, (name,)))
    results = zip(SQUARE, passed(source, SQUARE))
    return all(same(t, net_value(name, case, halves)) for case, found in results for name, t in found.items())


def test_two_mistakes_of_the_net_are_both_named() -> None:
    counts: Counter[str] = Counter()
    for pair in PAIRS if os.environ.get("EVERY_PAIR") else SOME:
        source = planted(*pair)
        counts["exclude each other" if source is None else verdict(pair, source, of_net(source))] += 1
    assert counts.keys() <= {"both are named", "computes what others compute", "exclude each other"}, counts
    assert counts["both are named"] > 0.8 * counts.total()


def test_every_two_mistakes_of_a_loss_are_both_named() -> None:
    counts: Counter[str] = Counter()
    for one, other in LOSS_PAIRS:
        pair = (" ".join(one), " ".join(other))
        source = planted(*pair)
        key: Literal["J", "dJdy_hat"] = "J" if one[1] == "J" else "dJdy_hat"
        counts["exclude each other" if source is None else verdict(pair, source, of_loss(source, one[0], key))] += 1
    assert counts.keys() <= {"both are named", "computes what others compute", "exclude each other"}, counts
    assert counts["both are named"] > 0.5 * counts.total()


def test_three_mistakes_are_all_named() -> None:
    """One of forward, one that dJ/dW2 or dJ/db2 shows, one that only dJ/dW1 or dJ/db1 shows; named, or what computes the same."""
    pools = [[name for name in pool if name in PLAIN] for pool in (FORWARD, UPPER, LOWER)]
    counts: Counter[str] = Counter()
    for i in range(60):
        names = tuple(pool[(7 * i + i // len(pool)) % len(pool)] for pool in pools)
        source = planted(*names)
        found = of_net(source) if source else set()
        counts["exclude each other" if source is None else "named" if found == merged(names) else "others"] += 1
        assert not {"y", "dJdW1", "dJdb1", "dJdW2", "dJdb2"} & found, (names, found)
    assert counts["named"] > 40, counts


def test_a_mistake_of_the_net_and_one_of_state_are_both_named() -> None:
    """Every third of the net's mistakes with one of state by turns; autograd apart, which leaves no gradient to be wrong."""
    state = [advice for advice in STATE_SPOILS if advice != "Autograd is used"]
    for i, (name, spoil) in enumerate([*NET_SPOILS.items()][::3]):
        advice = state[i % len(state)]
        if (name, advice) != ("parameters copied", "The start is not the template's"):  # copies of other parameters
            found = report(spoiled(spoil, STATE_SPOILS[advice]))
            assert name in named(found), (name, said(found))
            assert any(advice in text for text in said(found)), (name, said(found))
            assert len(said(found)) == 2, (name, said(found))


def test_mistakes_in_different_parts_do_not_meet() -> None:
    """What is observed of the net and of the losses is judged apart: some of the one with some of the other."""
    nets = {name: observed(spoiled(spoil), losses=()) for name, spoil in [*NET_SPOILS.items()][::5]}
    for i, (net, seen) in enumerate(nets.items()):
        loss = [" ".join(key) for key in LOSS_SPOILS][i % len(LOSS_SPOILS)]
        seen = {**seen, "losses": observed(spoiled(SPOILS[loss]), nets=())["losses"]}
        assert named(judge("mlp.py", "", seen, NETS, LOSSES)) == {net, loss}
