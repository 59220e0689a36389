"""The smallest set of mistakes, two at most in each part, with which the model computes what a file computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import LossCase, NetCase
from pure_mlp.homework.grade.mistakes import BACKWARD, FORWARD, GROUPS, NET, sentence
from pure_mlp.homework.grade.model import Mistakes, loss_model, net_model

UNKNOWN = "unknown: no mistake of the library, and no two of them, explain what is computed"


def distance(ours: Tensor, theirs: Tensor) -> float:
    """|ours - theirs| / (|theirs| + 1e-2) over the finite elements; infinite where shapes, NaNs or infinities differ.

    >>> distance(torch.tensor([1.0, torch.nan]), torch.tensor([1.0, torch.nan])), distance(torch.ones(2), torch.ones(1, 2))
    (0.0, inf)
    """
    if ours.shape != theirs.shape:
        return torch.inf
    if torch.equal(ours, theirs):
        return 0.0
    a, b = ours.double(), theirs.double()
    if (error := float((a - b).norm())) < torch.inf:
        return error / (float(b.norm()) + 1e-2)
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


def diagnose_net(cases: Sequence[NetCase], seen: Sequence[Mapping[str, Tensor]]) -> list[str]:
    """The mistakes of `forward` and `backward`, each a sentence; [UNKNOWN] where none fit, [] where all is right.

    `seen` holds a mapping a case, with the names that `net_model` gives; a name that is missing there is not compared. The mistakes
    of forward are found first, by what it returns: at most two there, and at most two more in backward.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> case = net_cases()[0]
    >>> diagnose_net([case], [net_model(case)]), diagnose_net([case], [{"y": torch.zeros(4, 2) - 1}]) == [UNKNOWN]
    ([], True)
    """
    ahead = [{name: t for name, t in results.items() if name.startswith("y")} for results in seen]
    for forward in _candidates(FORWARD):
        if _explains_net(forward, cases, ahead):
            for backward in _candidates(BACKWARD):
                if _explains_net(forward | backward, cases, seen):
                    return [NET[name] for name in NET if name in forward | backward]
    return [UNKNOWN]


def diagnose_loss(loss: str, quantity: str, cases: Sequence[LossCase], seen: Sequence[Tensor | None]) -> list[str]:
    """The mistakes of one quantity of one loss, each a sentence; UNKNOWN alone where none fit, [] where all is right.

    `loss` is `mse` or `bce`, `quantity` J or dJdy_hat, and `seen` holds what was computed, a case each; J may have any shape of
    one element.

    >>> from pure_mlp.homework.grade.cases import loss_cases
    >>> case = loss_cases()[0]
    >>> halved = loss_model("mse", "dJdy_hat", case, frozenset({"half"}))
    >>> diagnose_loss("mse", "dJdy_hat", [case], [halved]) == [sentence("half", "mse_loss, dJdy_hat")]
    True
    """
    where = f"{loss}_loss, {quantity}"

    def explains(mistakes: Mistakes) -> bool:
        pairs = ((found, loss_model(loss, quantity, case, mistakes)) for case, found in zip(cases, seen) if found is not None)
        return all(same(a.reshape(b.shape) if a.numel() == b.numel() else a, b) for a, b in pairs)

    named = _first(explains, GROUPS[loss, quantity])
    return [f"{where}: {UNKNOWN}"] if named is None else [sentence(name, where) for name in GROUPS[loss, quantity] if name in named]


def _first(explains: Callable[[Mistakes], bool], names: Sequence[str]) -> Mistakes | None:
    return next(filter(explains, _candidates(names)), None)


def _candidates(names: Sequence[str]) -> Iterator[Mistakes]:
    """No mistake, each one, each two.

    >>> [sorted(m) for m in _candidates(("a", "b"))]
    [[], ['a'], ['b'], ['a', 'b']]
    """
    for size in range(3):
        yield from map(frozenset, combinations(names, size))


def _explains_net(mistakes: Mistakes, cases: Sequence[NetCase], seen: Sequence[Mapping[str, Tensor]]) -> bool:
    """Whether the model with these mistakes computes all that was seen."""
    pairs = ((results, net_model(case, mistakes)) for case, results in zip(cases, seen))
    return all(same(found, model[name]) for results, model in pairs for name, found in results.items() if name in model)
