"""The laws of `jvp` and `bwd_jvp`, which a layer need not have: they are how `fwd` and `bwd` move along a direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from pure_mlp.check.purity import Unchanged, named
from pure_mlp.check.subject import Subject
from pure_mlp.check.trials import H, far
from pure_mlp.layer import tangent
from pure_mlp.record import tree_leaves, tree_map

__all__ = ["TANGENT_LAWS"]


def _jvp(s: Subject) -> str:
    """`jvp` is how y moves when params and x do."""
    cache, jvp = s.layer.fwd(s.params, s.x)[1], tangent(s.layer)
    return _moved(s, "jvp", cache, lambda v: {"dy": jvp(s.params, cache, *v)}, lambda p, x: s.layer.fwd(p, x)[0])


def _bwd_jvp(s: Subject) -> str:
    """`bwd_jvp` is how dx and grads move when params and x do and dy is held."""
    cache, bwd_jvp = s.layer.fwd(s.params, s.x)[1], s.layer.bwd_jvp
    assert bwd_jvp is not None

    def second(v: tuple[Any, Tensor]) -> dict[str, object]:
        ddx, dgrads = bwd_jvp(s.params, cache, s.dy, *v)
        return {"ddx": ddx if s.has_dx else (), "dgrads": dgrads}

    return _moved(s, "bwd_jvp", cache, second, lambda p, x: s.both(p, x, s.dy)[1])


def _moved(
    s: Subject, what: str, cache: Any, written: Callable[[Any], dict[str, object]], f: Callable[[Any, Tensor], object]
) -> str:
    """`written` of a direction v is the slope of f along v by 5-point differences; and it writes to nothing."""
    g = Generator().manual_seed(2)
    dparams, dx = v = tree_map(lambda t: torch.randn(t.shape, generator=g, dtype=torch.float64), (s.params, s.x))

    def at(steps: int) -> list[Tensor]:
        params = tree_map(lambda t, dt: t + steps * H * dt if t.is_floating_point() else t, s.params, dparams)
        return tree_leaves(f(params, s.x + steps * H * dx if s.has_dx else s.x))

    given = Unchanged(named(params=s.params, cache=cache, dy=s.dy, dparams=dparams, dx=dx))
    got = named(**written(v))
    if changed := given.changed():
        return f"{what} writes to {', '.join(changed)}"
    slopes = [(a - 8 * b + 8 * c - d) / (12 * H) for a, b, c, d in zip(at(-2), at(-1), at(1), at(2))]
    if len(got) != len(slopes):
        return f"{what} returns {len(got)} tensors, expected {len(slopes)}"
    return next(filter(None, (far(name, t, slope, 1e-9) for (name, t), slope in zip(got, slopes))), "")


TANGENT_LAWS: dict[str, Callable[[Subject], str]] = {"jvp": _jvp, "bwd_jvp": _bwd_jvp}
"""By the name of a function that a layer has, what is wrong with a subject: "" where the law holds."""
