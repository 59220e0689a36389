"""Every mistake, and every two of them, planted in a correct file: a confusion table."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Literal

import pytest
from graded import LOSSES, NETS, SPOILS, named, observed, of_loss, of_net, planted, report
from mistakes import LOSS_SPOILS, NET_SPOILS, STATE_SPOILS, spoiled

from pure_mlp.homework.grade.diagnose import same
from pure_mlp.homework.grade.judge import judge

SAME: dict[str, dict[tuple[str, str], tuple[str, ...]]] = {
    "what is missing has no side, no kink and no name": {
        ("f slope missing", "f slope from output"): ("f slope missing",),
        ("f slope missing", "f slope from input"): ("f slope missing",),
        ("f slope missing", "slope from output"): ("f slope missing", "g slope from output"),
        ("f slope missing", "slope from input"): ("f slope missing", "g slope from input"),
        ("f slope missing", "f slope of g"): ("f slope missing",),
        ("f slope missing", "slopes swapped"): ("f slope missing", "g slope of f"),
        ("f slope missing", "f slope 1 at 0"): ("f slope missing",),
        ("f slope missing", "slope 1 at 0"): ("f slope missing", "g slope 1 at 0"),
        ("f slope missing", "b1 without f slope"): ("f slope missing",),
        ("g slope missing", "g slope missing below"): ("g slope missing",),
        ("g slope missing", "g slope from output"): ("g slope missing",),
        ("g slope missing", "g slope from input"): ("g slope missing",),
        ("g slope missing", "slope from output"): ("g slope missing", "f slope from output"),
        ("g slope missing", "slope from input"): ("g slope missing", "f slope from input"),
        ("g slope missing", "g slope of f"): ("g slope missing",),
        ("g slope missing", "slopes swapped"): ("g slope missing", "f slope of g"),
        ("g slope missing", "g slope 1 at 0"): ("g slope missing",),
        ("g slope missing", "slope 1 at 0"): ("g slope missing", "f slope 1 at 0"),
        ("g slope missing", "b2 without g slope"): ("g slope missing",),
        ("g slope missing below", "slope missing"): ("slope missing",),
        ("f slope from output", "slope missing"): ("slope missing",),
        ("g slope from output", "slope missing"): ("slope missing",),
        ("f slope from input", "slope missing"): ("slope missing",),
        ("g slope from input", "slope missing"): ("slope missing",),
        ("slope missing", "slope from output"): ("slope missing",),
        ("slope missing", "slope from input"): ("slope missing",),
        ("slope missing", "relu slope 1"): ("slope missing",),
        ("slope missing", "g slope of f"): ("slope missing",),
        ("slope missing", "f slope of g"): ("slope missing",),
        ("slope missing", "slopes swapped"): ("slope missing",),
        ("slope missing", "f slope 1 at 0"): ("slope missing",),
        ("slope missing", "g slope 1 at 0"): ("slope missing",),
        ("slope missing", "slope 1 at 0"): ("slope missing",),
        ("slope missing", "b1 without f slope"): ("slope missing",),
        ("slope missing", "b2 without g slope"): ("slope missing",),
    },
    "where the slope is taken of z itself, it does not matter what a is": {
        ("slope from input", "slopes swapped"): ("slope from input", "slopes swapped at z"),
    },
    "log(0 + e) is the log of what 0 is clamped to": {
        ("bce J one term", "bce J epsilon clamped 1e-07"): ("bce J one term", "bce J epsilon added 1e-07"),
    },
    "two halves of one mistake": {
        ("f slope missing", "g slope missing"): ("slope missing",),
        ("f slope from output", "g slope from output"): ("slope from output",),
        ("f slope from input", "g slope from input"): ("slope from input",),
        ("g slope of f", "f slope of g"): ("slopes swapped",),
        ("f slope 1 at 0", "g slope 1 at 0"): ("slope 1 at 0",),
    },
    "where the activation is left out of forward, its input is its output": {
        ("f slope from input", "f not applied"): ("f not applied",),
        ("g slope from input", "g not applied"): ("g not applied",),
        ("slope from input", "f not applied"): ("g slope from input", "f not applied"),
        ("slope from input", "g not applied"): ("f slope from input", "g not applied"),
        ("W2 from z1", "f not applied"): ("f not applied",),
    },
    "no unit of the drawn parameters is at the kink": {
        ("f slope 1 at 0", "parameters copied"): ("parameters copied",),
        ("g slope 1 at 0", "parameters copied"): ("parameters copied",),
        ("slope 1 at 0", "parameters copied"): ("parameters copied",),
    },
    "y log y has no room for an epsilon: it is 0 at 0 and at 1": {
        ("bce J handout", "bce J epsilon added 1e-07"): ("bce J handout",),
        ("bce J handout", "bce J epsilon clamped 1e-07"): ("bce J handout",),
    },
    "the term that is left had no such denominator": {
        ("bce dJdy_hat one term", "bce dJdy_hat from logits"): ("bce dJdy_hat one term",),
        ("bce dJdy_hat one term", "bce dJdy_hat not clamped"): ("bce dJdy_hat one term",),
        ("bce dJdy_hat one term", "bce dJdy_hat epsilon added 1e-07"): ("bce dJdy_hat one term",),
        ("bce dJdy_hat one term", "bce dJdy_hat epsilon clamped 1e-07"): ("bce dJdy_hat one term",),
    },
    "y - y_hat is both": {
        ("bce dJdy_hat swap", "bce dJdy_hat from logits"): ("bce dJdy_hat sign", "bce dJdy_hat from logits"),
    },
}
"""Pairs that compute to the bit what other mistakes compute: why, and which are named instead. The test proves the first half."""

AMBIGUOUS = {pair: instead for pairs in SAME.values() for pair, instead in pairs.items()}
PAIRS = [*combinations([name for name in NET_SPOILS if not name.endswith(" at z")], 2)]
LOSS_PAIRS = [pair for pair in combinations(LOSS_SPOILS, 2) if pair[0][:2] == pair[1][:2]]


def test_every_mistake_is_named_and_no_other() -> None:
    """The confusion table of the library has a diagonal and nothing else."""
    table = {name: named(report(spoiled(spoil))) for name, spoil in SPOILS.items()}
    assert {name: found for name, found in table.items() if found != {name}} == {}
    assert len(table) == len(NET_SPOILS) + len(LOSS_SPOILS) == 71


@pytest.mark.parametrize("advice", STATE_SPOILS)
def test_every_mistake_of_state_is_named(advice: str) -> None:
    found = report(spoiled(STATE_SPOILS[advice]))
    assert len(found.diagnosis) == 1
    assert advice in found.diagnosis[0]


def verdict(pair: tuple[str, str], found: set[str]) -> str:
    if pair in AMBIGUOUS:
        return "computes what others compute" if found == {*AMBIGUOUS[pair]} else f"{pair} is called {found}"
    return "both are named" if found == {*pair} else f"{pair} is called {found}"


def test_every_two_mistakes_of_the_net_are_both_named() -> None:
    files = {pair: planted(*pair) for pair in PAIRS}
    counts = Counter(verdict(pair, of_net(source)) if source else "exclude each other" for pair, source in files.items())
    assert counts == {"both are named": 491, "computes what others compute": 49, "exclude each other": 21}


def test_every_two_mistakes_of_a_loss_are_both_named() -> None:
    counts: Counter[str] = Counter()
    for one, other in LOSS_PAIRS:
        pair = (" ".join(one), " ".join(other))
        source = planted(*pair)
        key: Literal["J", "dJdy_hat"] = "J" if one[1] == "J" else "dJdy_hat"
        counts[verdict(pair, of_loss(source, one[0], key)) if source else "exclude each other"] += 1
    assert counts == {"both are named": 98, "computes what others compute": 8, "exclude each other": 34}


@pytest.mark.parametrize("pair", AMBIGUOUS, ids=" and ".join)
def test_a_pair_that_is_not_named_computes_what_the_named_ones_compute(pair: tuple[str, str]) -> None:
    ours, theirs = (observed(planted(*names) or "") for names in (pair, AMBIGUOUS[pair]))
    for a, b in zip(ours["nets"], theirs["nets"]):
        assert a["computed"].keys() == b["computed"].keys()
        assert all(same(a["computed"][name], b["computed"][name]) for name in a["computed"])
    for s, t in zip(ours["losses"], theirs["losses"]):
        assert same(s["J"], t["J"])
        assert same(s["dJdy_hat"], t["dJdy_hat"])


def test_a_mistake_of_the_net_and_one_of_state_are_both_named() -> None:
    """Each of the net's mistakes with three of state by turns; autograd apart, which leaves no gradient by hand to be wrong."""
    state = [advice for advice in STATE_SPOILS if advice != "Autograd is used"]
    for i, (name, spoil) in enumerate(NET_SPOILS.items()):
        for advice in (state[(i + j) % len(state)] for j in (0, 4, 8)):
            if (name, advice) != ("parameters copied", "The start is not the template's"):  # copies of other parameters: unknown
                found = report(spoiled(spoil, STATE_SPOILS[advice]))
                assert len(found.diagnosis) == 2, (name, found.diagnosis)
                assert name in named(found)
                assert any(advice in text for text in found.diagnosis)


def test_mistakes_in_different_parts_do_not_meet() -> None:
    """What is observed of the net and of the losses is judged apart: any of the one with any of the other."""
    nets = {name: observed(spoiled(spoil)) for name, spoil in NET_SPOILS.items()}
    for i, (net, seen) in enumerate(nets.items()):
        loss = [" ".join(key) for key in LOSS_SPOILS][i % len(LOSS_SPOILS)]
        seen = {**seen, "losses": observed(spoiled(SPOILS[loss]))["losses"]}
        assert named(judge("mlp.py", "", seen, NETS, LOSSES)) == {net, loss}
