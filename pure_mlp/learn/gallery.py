"""The gallery of mistakes: of each in the grader's library the code's diff, the numbers, and what the grader says."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import ndiff
from functools import cache
from itertools import product
from typing import TypedDict

from torch import Tensor

from pure_mlp.homework.grade.cases import GRADS, LossCase, NetCase, loss_cases, net_case
from pure_mlp.homework.grade.compare import same
from pure_mlp.homework.grade.loss_mistakes import loss_sentence
from pure_mlp.homework.grade.loss_model import loss_model
from pure_mlp.homework.grade.net_mistakes import EVERYWHERE, FORWARD, MERGED, net_sentence
from pure_mlp.homework.grade.net_model import net_model
from pure_mlp.learn.spoils import CORRECT, NET_SPOILS, spoiled
from pure_mlp.learn.spoils_losses import LOSS_SPOILS, Spoil

PAIRS = tuple(product(("relu", "sigmoid", "identity"), ("sigmoid", "relu", "identity")))
SQUARE = (2, 2, 2, 2)
"""n, h, K and the batch: in a square net a transposed matrix fits, and its numbers are few."""

WHEN = {"": "", " twice": " after a second backward", " new": " with new parameters"}


class Mistake(TypedDict):
    """One exhibit. `diff` has lines that begin with "-", "+" or " "; `right` and `wrong` are the values of `quantity` in `case`."""

    part: str
    name: str
    diff: list[str]
    case: str
    quantity: str
    right: list[list[str]]
    wrong: list[list[str]]
    said: str


def gallery() -> list[Mistake]:
    """All mistakes of the library; two halves of one mistake stand apart.

    >>> exhibit = gallery()[0]
    >>> exhibit["name"], exhibit["quantity"], exhibit["diff"][0]
    ('f slope missing', 'dJdW1', '-        d1 = d2 * sf')
    """
    return [*_of_nets(), *_of_losses()]


def _of_nets() -> Iterator[Mistake]:
    for name in NET_SPOILS:
        if name not in MERGED:
            kink = name.endswith("at 0")
            part = "forward" if name in FORWARD else "all gradients" if name in EVERYWHERE or "clamped" in name else name[:1]
            label, quantity, right, wrong = _net_numbers(name, kink)
            yield {
                "part": {"f": "the slope of f", "g": "the slope of g"}.get(part, part if len(part) > 1 else "one gradient"),
                "name": name,
                "diff": _diff(NET_SPOILS[name]),
                "case": label,
                "quantity": quantity,
                "right": _rows(right),
                "wrong": _rows(wrong),
                "said": net_sentence(name),
            }


def _net_numbers(name: str, kink: bool) -> tuple[str, str, Tensor, Tensor]:
    """The case, the quantity and both values: the first that the mistake changes; large numbers only for what overflows."""
    for when, large, seed, (f, g) in product(WHEN, (1, 100), range(3, 9), PAIRS):
        case = _case(seed, f, g, kink, large)
        right, wrong = net_model(case), net_model(case, frozenset({name}))
        for key in ("y", *GRADS):
            a, b = wrong[key + when], right[key + when]
            if not same(a, b) and bool(b.any()):
                quantity = "y_hat" if key == "y" else key
                return f"f {f}, g {g}" + ", some units exactly at 0" * kink, quantity + WHEN[when], b, a
    raise AssertionError(name)


@cache
def _case(seed: int, f: str, g: str, kink: bool, large: int) -> NetCase:
    case = net_case(seed, f, g, SQUARE, kink)
    case.tensors["x"] *= large
    return case


def _of_losses() -> Iterator[Mistake]:
    for (loss, key, name), spoil in LOSS_SPOILS.items():
        case, right, wrong = _loss_numbers(loss, key, name)
        yield {
            "part": f"{loss}_loss",
            "name": f"{key}: {name}",
            "diff": _diff(spoil),
            "case": f"y = [{_words(_rows(case.y))}], y_hat = [{_words(_rows(case.y_hat))}]",
            "quantity": key,
            "right": _rows(right),
            "wrong": _rows(wrong),
            "said": loss_sentence(name, f"{loss}_loss, {key}"),
        }


def _loss_numbers(loss: str, key: str, name: str) -> tuple[LossCase, Tensor, Tensor]:
    """The case and both values: of the cases the smallest that the mistake changes."""
    for case in sorted(loss_cases(), key=lambda case: case.y.numel() if case.y.numel() > 1 else 100):
        right, wrong = loss_model(loss, key, case), loss_model(loss, key, case, frozenset({name}))
        if not same(wrong, right):
            return case, right, wrong
    raise AssertionError(name)


def _diff(spoil: Spoil) -> list[str]:
    """The lines that change, and nothing between them."""
    lines = ndiff(CORRECT.splitlines(), spoiled(spoil).splitlines())
    return [line[0] + line[2:] for line in lines if line[0] in "+-"]


def _rows(t: Tensor) -> list[list[str]]:
    """A matrix of three digits, as text, since JSON has no inf; a vector is a row."""
    matrix: list[list[float]] = (t.reshape(-1, t.shape[-1]) if t.dim() else t.reshape(1, 1)).tolist()
    return [[f"{x:.3g}" for x in row] for row in matrix]


def _words(matrix: list[list[str]]) -> str:
    return "; ".join(" ".join(row) for row in matrix)
