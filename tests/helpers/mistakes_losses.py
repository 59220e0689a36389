"""The ways to spoil the losses of the correct file: all of the library, and epsilons of many sizes."""

# ruff: noqa: E501 - a mistake a line, so that the table can be read

from __future__ import annotations

from pure_mlp.homework.grade.loss_mistakes import GROUPS
from pure_mlp.learn.spoils_losses import LOGS, LOSS_SPOILS, S_LINE, Spoil

__all__ = ["EPSILONS", "LOSS_SPOILS", "Spoil"]

assert {(*group, name) for group, names in GROUPS.items() for name in names} == {
    key for key in LOSS_SPOILS if "epsilon" not in key[2]
}

EPSILONS = {
    **{f"added {e}": ((LOGS, f"(a + {e}).log(), (1 - a + {e}).log()"), (S_LINE, f"s = (1 - v) * v + {e}")) for e in ("1e-4", "1e-8", "1e-15", "1e-20", "1e-30")},
    **{f"clamped {e}": ((LOGS, f"a.clamp({e}, 1 - {e}).log(), (1 - a.clamp({e}, 1 - {e})).log()"), (S_LINE, f"v = v.clamp({e}, 1 - {e})\n    s = v * (1 - v)")) for e in ("1e-4", "1e-5", "1e-15", "1e-20", "1e-30")},
    "added 3e-7": ((LOGS, "(a + 3e-7).log(), (1 - a + 3e-7).log()"), (S_LINE, "s = (1 - v) * v + 3e-7")),
    "shifted 1e-7": ((LOGS, "(a + 1e-7).log(), (1 - (a + 1e-7)).log()"), (S_LINE, "v = v + 1e-7\n    s = v * (1 - v)")),
}  # fmt: skip
"""Epsilons of many sizes, in both results of BCE."""
