"""The mistakes, three at most, with which the model computes what a file's loss computes; an epsilon of any size among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import exp

import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import LossCase
from pure_mlp.homework.grade.compare import figure, same
from pure_mlp.homework.grade.loss_mistakes import GROUPS, REDUCTIONS, WAYS
from pure_mlp.homework.grade.loss_model import Mistakes, loss_model

USUAL = ("1e-12", "1e-10", "1e-9", "1e-8", "1e-7", "1e-6", "1e-5", "1e-4", "1e-3")
"""Epsilons that are tried beside other mistakes, from which their size cannot be computed."""


def diagnose_loss(loss: str, quantity: str, cases: Sequence[LossCase], seen: Sequence[Tensor | None]) -> list[str] | None:
    """The mistakes of one quantity of one loss by name, [] where all is right, None where none explain it.

    `loss` is `mse` or `bce`, `quantity` J or dJdy_hat, and `seen` holds what was computed, a case each; J may have any shape of
    one element.

    >>> from pure_mlp.homework.grade.cases import loss_cases
    >>> cases = loss_cases()
    >>> diagnose_loss("mse", "dJdy_hat", cases, [2 * (c.y_hat - c.y) for c in cases])
    ['sum']
    """
    pairs = [(case, as_expected(found, loss_model(loss, quantity, case))) for case, found in zip(cases, seen) if found is not None]

    def explains(mistakes: Mistakes) -> bool:
        return all(same(found, loss_model(loss, quantity, case, mistakes)) for case, found in pairs)

    pool, epsilons = GROUPS[loss, quantity], list[str]()
    if loss == "bce":
        sizes = dict.fromkeys([*(size for case, found in pairs for size in _epsilons(quantity, case, found)), *USUAL])
        epsilons = [f"epsilon {way} {size}" for size in sizes for way in WAYS]
    return next(([*chosen] for chosen in _candidates(pool, epsilons) if explains(frozenset(chosen))), None)


def _candidates(pool: Sequence[str], epsilons: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """At most three mistakes, the fewest first, one epsilon at most among them."""
    for size in range(4):
        yield from combinations(pool, size)
        for epsilon in epsilons if size else ():
            yield from ((*chosen, epsilon) for chosen in combinations(pool, size - 1))


def as_expected(found: Tensor, expected: Tensor) -> Tensor:
    """One element in whatever shape is that element: the row of shapes tells it.

    >>> as_expected(torch.ones(1, 1), torch.ones(())).shape
    torch.Size([])
    """
    return found.reshape(expected.shape) if found.numel() == expected.numel() == 1 else found


def _epsilons(quantity: str, case: LossCase, found: Tensor) -> Iterator[str]:
    """Sizes of an epsilon that would make this result, if it is the only thing wrong, or a wrong division is the other."""
    at = [end for end in (0.0, 1.0) if bool((case.y_hat == end).any())]
    if len(at) != 1 or not bool(found.isfinite().all()) or found.numel() != (1 if quantity == "J" else case.y.numel()):
        return
    wrong = (case.y if at == [0.0] else 1 - case.y) * (case.y_hat == at[0])  # the weight of log eps in each element
    n, k = case.y.shape
    for reduction in ("", *REDUCTIONS):
        over = {"": n * k, "sum": 1, "per batch": n, "per features": k, "double mean": (n * k) ** 2}[reduction]
        if quantity == "J":
            inner = torch.full_like(case.y_hat, 0.3)
            others = -(case.y * inner.log() + (1 - case.y) * (1 - inner).log()) * (case.y_hat == inner)
            size = exp(min(0.0, float((others.sum() - over * found.double()) / wrong.sum())))
        else:
            most = int(wrong.argmax())
            size = abs(1 / (over * float(found.flatten()[most]))) if bool(found.flatten()[most]) else 1.0
        if 1e-42 < size < 0.1 and abs(size / 3.7835e-44 - 1) > 1e-2:
            short = figure(float(f"{size:.1g}"))
            yield short if abs(float(short) / size - 1) < 1e-2 else f"{size:.4e}".replace("e-0", "e-")
