"""The smallest set of mistakes, two at most, with which the model computes what a file computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import LossCase, NetCase
from pure_mlp.homework.grade.mistakes import GROUPS, NET, sentence
from pure_mlp.homework.grade.model import Mistakes, loss_model, net_model

UNKNOWN = "unknown: no mistake of the library, and no two of them, explain what is computed"


def distance(ours: Tensor, theirs: Tensor) -> float:
    """|ours - theirs| / (|theirs| + 1e-2) over the finite elements; infinite where shapes, NaNs or infinities differ.

    >>> distance(torch.tensor([1.0, torch.nan]), torch.tensor([1.0, torch.nan])), distance(torch.ones(2), torch.ones(1, 2))
    (0.0, inf)
    """
    if ours.shape != theirs.shape:
        return torch.inf
    a, b = ours.double(), theirs.double()
    finite = b.isfinite()
    if not torch.equal(a.isfinite(), finite) or not torch.equal(a[~finite].nan_to_num(7.0), b[~finite].nan_to_num(7.0)):
        return torch.inf
    return float((a[finite] - b[finite]).norm() / (b[finite].norm() + 1e-2))


def same(ours: Tensor, theirs: Tensor, *, rtol: float = 1e-4) -> bool:
    """Whether two results are one, up to rounding of another order of operations in float32: `distance` at most `rtol`.

    >>> one = torch.ones(2)
    >>> same(one, one + 1e-6), same(one, one + 1e-3), same(one, torch.ones(1, 2))
    (True, False, False)
    """
    return distance(ours, theirs) <= rtol


def diagnose_net(cases: Sequence[NetCase], seen: Sequence[Mapping[str, object]]) -> list[str]:
    """The mistakes of `forward` and `backward`, each a sentence; [UNKNOWN] where none fit, [] where all is right.

    `seen` holds a mapping a case, with the names that `net_model` gives; a name that is missing there is not compared.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> case = net_cases()[0]
    >>> diagnose_net([case], [net_model(case)]), diagnose_net([case], [{"y": torch.zeros(4, 2) - 1}]) == [UNKNOWN]
    ([], True)
    """
    for mistakes in _candidates(tuple(NET)):
        if _explains_net(mistakes, cases, seen):
            return [NET[name] for name in NET if name in mistakes]
    return [UNKNOWN]


def diagnose_loss(loss: str, quantity: str, cases: Sequence[LossCase], seen: Sequence[Mapping[str, object]]) -> list[str]:
    """The mistakes of one quantity of one loss, each a sentence; [UNKNOWN] where none fit, [] where all is right.

    `loss` is `mse` or `bce`, `quantity` J or dJdy_hat, and `seen` holds a mapping a case, from `quantity` to what was computed.

    >>> from pure_mlp.homework.grade.cases import loss_cases
    >>> case = loss_cases()[0]
    >>> halved = {"dJdy_hat": loss_model("mse", "dJdy_hat", case, frozenset({"half"}))}
    >>> diagnose_loss("mse", "dJdy_hat", [case], [halved]) == [sentence("half", "mse_loss, dJdy_hat")]
    True
    """
    for mistakes in _candidates(GROUPS[loss, quantity]):
        if _explains_loss(mistakes, loss, quantity, cases, seen):
            return [sentence(name, f"{loss}_loss, {quantity}") for name in GROUPS[loss, quantity] if name in mistakes]
    return [UNKNOWN]


def _candidates(names: tuple[str, ...]) -> Iterator[Mistakes]:
    """No mistake, each one, each two.

    >>> [sorted(m) for m in _candidates(("a", "b"))]
    [[], ['a'], ['b'], ['a', 'b']]
    """
    for size in range(3):
        yield from map(frozenset, combinations(names, size))


def _explains_net(mistakes: Mistakes, cases: Sequence[NetCase], seen: Sequence[Mapping[str, object]]) -> bool:
    """Whether the model with these mistakes computes all that was seen."""
    for case, results in zip(cases, seen):
        for name, expected in net_model(case, mistakes).items():
            found = results.get(name)
            if isinstance(found, Tensor) and not same(found, expected):
                return False
    return True


def _explains_loss(
    mistakes: Mistakes, loss: str, quantity: str, cases: Sequence[LossCase], seen: Sequence[Mapping[str, object]]
) -> bool:
    """Whether the model with these mistakes computes all that was seen of one quantity; J may have any shape of one element."""
    for case, results in zip(cases, seen):
        expected, found = loss_model(loss, quantity, case, mistakes), results.get(quantity)
        if not isinstance(found, Tensor):
            continue
        if not same(found.reshape(expected.shape) if found.numel() == expected.numel() else found, expected):
            return False
    return True
