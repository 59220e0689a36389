"""Rows of the table about shapes and dtypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from pure_mlp.homework.grade.cases import LossCase
from pure_mlp.homework.grade.probe.seen import Pass, Score
from pure_mlp.homework.grade.rows import Said, Told, told


def shapes(
    passes: Sequence[Pass],
    models: Sequence[Mapping[str, Tensor]],
    scored: Mapping[str, Sequence[Score]],
    losses: Sequence[LossCase],
) -> Told:
    """Every shape of y_hat and gradients, in `passes` against `models`, and of both results of each loss, and that J is a tensor.

    >>> p: Pass = {"stage": "", "error": "", "computed": {"y": torch.ones(2)}}
    >>> shapes([p], [{"y": torch.ones(2)}], {}, [])[0].verdict, shapes([p], [{"y": torch.ones(3)}], {}, [])[0].detail
    ('right', 'y is (2,), expected (3,).')
    """
    computed = [p.get("computed", {}) for p in passes]
    pairs = [(name, c[name], t.shape) for c, m in zip(computed, models) for name, t in m.items() if name in c]
    for loss, results in scored.items():
        pairs += [(f"{loss} dJdy_hat", s["dJdy_hat"], c.y.shape) for s, c in zip(results, losses) if "dJdy_hat" in s]
    wrong = next((f"{name} is {tuple(t.shape)}, expected {tuple(shape)}." for name, t, shape in pairs if t.shape != shape), "")
    said = [Said(wrong)] if wrong else []
    risk = "a script that calls J.item() or looks at its shape fails; one that compares values does not"
    for loss, results in scored.items():
        kinds = {kind for s in results if (kind := s.get("J_type"))}
        odd = {tuple(s["J"].shape) for s in results if "J" in s and s["J"].shape} if not kinds else set()
        said += [Said(f"{loss}_loss: J is {name}, expected a 0-dim tensor.", risk) for name in sorted(kinds)]
        said += [Said(f"{loss}_loss: J has the shape {shape}, expected a 0-dim tensor.", risk) for shape in sorted(odd)[:1]]
    return told("shapes", said, bool(pairs))


def dtypes(passes: Sequence[Pass], scored: Mapping[str, Sequence[Score]]) -> Told:
    """Whether all that was computed is float32.

    >>> dtypes([], {"mse": [{"stage": "", "error": "", "J": torch.ones((), dtype=torch.float64)}]})[0].detail
    'mse J is float64, expected float32.'
    """
    tensors = [(name, t) for p in passes for name, t in p.get("computed", {}).items()]
    for loss, results in scored.items():
        tensors += [(f"{loss} J", s["J"]) for s in results if "J" in s and not s.get("J_type")]
        tensors += [(f"{loss} dJdy_hat", s["dJdy_hat"]) for s in results if "dJdy_hat" in s]
    other = {name if name[3:4] == " " else name.split()[0]: str(t.dtype)[6:] for name, t in tensors if t.dtype != torch.float32}
    said = []
    for name, dtype in other.items():
        soft = name.endswith(" J") or name.startswith("dJ")
        risk = "a comparison of values passes; `torch.equal` and products with float32 do not" if soft else ""
        said.append(Said(f"{name} is {dtype}, expected float32.", risk))
    return told("dtypes", said, bool(tensors))
