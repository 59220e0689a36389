"""How the gradients of a file hang together where no mistake of the library explains them: one fault, one sentence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from torch import Tensor

from pure_mlp.homework.grade.cases import GRADS, NetCase
from pure_mlp.homework.grade.compare import figure, same
from pure_mlp.homework.grade.net_model import Mistakes, given_cotangent

Seen = Sequence[Mapping[str, Tensor]]


def exchanged(key: str, seen: Seen, models: Seen) -> str:
    """The gradient whose values stand in the place of `key` in every case, or nothing.

    >>> import torch
    >>> model = {"dJdb1": torch.ones(3), "dJdb2": torch.ones(2)}
    >>> exchanged("dJdb1", [{"dJdb1": torch.ones(2)}], [model])
    'dJdb2'
    """
    pairs = [(results[key], model) for results, model in zip(seen, models) if key in results]
    others = [name for name in GRADS if name != key]
    return next((name for name in others if pairs and all(name in m and same(a, m[name]) for a, m in pairs)), "")


def decay(key: str, cases: Sequence[NetCase], seen: Seen, models: Seen) -> str:
    """What times the parameter stands in its gradient besides, if it is one number in every case, or nothing.

    >>> import torch
    >>> case = NetCase(0, "relu", "relu", (1, 1, 1), {"b1": torch.full((2,), 4.0)})
    >>> decay("dJdb1", [case], [{"dJdb1": torch.full((2,), 3.0)}], [{"dJdb1": torch.ones(2)}])
    '0.5'
    """
    triples = [(s[key], m[key], c.tensors[key[3:]]) for c, s, m in zip(cases, seen, models) if key in s]
    if not triples or any(a.shape != b.shape for a, b, _ in triples):
        return ""
    a, b, p = triples[0]
    times = float(((a - b).double() * p.double()).sum() / (p.double() ** 2).sum())
    return figure(times) if times and all(same(a, b + times * p) for a, b, p in triples) else ""


def following(first: str, cases: Sequence[NetCase], seen: Seen, models: Seen, mistakes: Mistakes) -> tuple[list[str], bool]:
    """The gradients that are right for the dJ/dz3 or dJ/dz1 that dJdb2 or dJdb1, as `first` says, shows in a batch of one example.

    And whether `first` is wrong there: where it is right, whether they follow is not seen.

    >>> import torch
    >>> case = NetCase(0, "relu", "relu", (1, 1, 1), {name: torch.ones(1, 1) for name in ("W1", "b1", "W2", "b2", "x", "dJ")})
    >>> found = {"dJdb2": torch.tensor([7.0]), "dJdW2": torch.tensor([[14.0]])}
    >>> following("dJdb2", [case], [found], [{"dJdb2": torch.ones(1)}], frozenset())
    (['dJdW2'], True)
    """
    right: dict[str, bool] = {}
    sure = False
    for case, results, model in zip(cases, seen, models):
        d = results.get(first)
        if d is not None and len(case.tensors["x"]) == 1 and d.shape == case.tensors[first[3:]].shape[-1:]:
            d = d.to(case.tensors["x"].dtype)
            sure = sure or not same(d, model[first])
            given = given_cotangent(case, d[None], mistakes) if first == "dJdb2" else {"dJdW1": d[:, None] @ case.tensors["x"]}
            for name, expected in given.items():
                if name in results:
                    right[name] = right.get(name, True) and same(results[name], expected)
    return [name for name in GRADS if right.get(name)], sure


def gathered(texts: Mapping[str, str], first: str, follow: Collection[str], sure: bool) -> dict[str, str]:
    """The sentences by gradient, without those that say of all four the same and those of gradients that follow from `first`.

    >>> gathered({name: f"{name} is 2 times what it should be." for name in GRADS}, "dJdb2", [], sure=True)
    {'dJdb2': 'Every gradient is 2 times what it should be.'}
    >>> gathered({"dJdb2": "dJdb2 is wrong.", "dJdW1": "dJdW1 is wrong."}, "dJdb2", ["dJdW1"], sure=True)
    {'dJdb2': 'dJdb2 is wrong. dJdW1 follows from it.'}
    """
    manners = {text.removeprefix(name).partition(": look")[0].rstrip(".") for name, text in texts.items()}
    if texts.keys() >= {*GRADS} and len(manners) == 1:
        manner = manners.pop()
        clipped = ": is it divided by a norm, or clipped to one?" if manner.startswith(" is proportional") else "."
        return {"dJdb2": f"Every gradient{manner}{clipped}"}
    gone = [name for name in GRADS if name in follow and name in texts and first in texts]
    if not gone:
        return {**texts}
    rest = {name: text for name, text in texts.items() if name not in gone}
    verb = f"follow{'s' * (len(gone) == 1)}" if sure else "may follow"
    return rest | {first: f"{rest[first]} {listed(gone)} {verb} from it."}


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them.

    >>> listed(["dJdW1", "dJdb1", "dJdW2"]), listed(["dJdb2"])
    ('dJdW1, dJdb1 and dJdW2', 'dJdb2')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
