"""The programs of a plan, one for each kind of batch: few of them, and none that costs more than it saves."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from torch import Generator

from pure_mlp._compile.program import Engine, Program, place_of

_KEPT = 16
"""Programs that are kept, the ones used last."""
_EARLY = 2
"""Kinds of batches for which a program is made at once: the usual batch, and the shorter last one."""
_STEPS: dict[Engine, int] = {"plan": 100, "native": 1000}
"""Making a program takes about as long as this many pure steps: a further one is made once there were as many steps
for each.
"""


class Made(NamedTuple):
    """A program and the generators it draws from.

    proved: it has agreed with the pure step on a second batch. trusted: and since the plan was last restarted.
    """

    program: Program
    generators: list[Generator]
    proved: bool = False
    trusted: bool = False


class Programs:
    """Programs by the specs of their batches; `steps` counts the steps made so far, by whatever means."""

    def __init__(self, engine: Engine) -> None:
        self.steps = 0
        self._price = _STEPS.get(engine, 0)
        self._made: OrderedDict[object, Made] = OrderedDict()
        self._count = 0

    @property
    def seconds(self) -> float:
        """How long the C compiler took for the programs kept."""
        return sum(made.program.seconds for made in self._made.values())

    def find(self, key: object) -> Made | None:
        """The program for such batches, if there is one and the tensors that it captures are where they were."""
        made = self._made.get(key)
        if made is None or any(place_of(t) != place for t, place in made.program.captured):
            return None
        self._made.move_to_end(key)
        return made

    def worth(self) -> bool:
        """Whether one more program is worth its price."""
        return self._count < _EARLY or self.steps >= self._count * self._price

    def add(self, key: object, made: Made) -> None:
        """Keep a new program, or a new state of one."""
        self._made[key] = made
        if len(self._made) > _KEPT:
            self._made.popitem(last=False)

    def counted(self) -> None:
        """Count one more program made, or attempted."""
        self._count += 1

    def forget(self, key: object) -> None:
        """Drop a program."""
        self._made.pop(key, None)

    def doubt(self) -> None:
        """Trust no program before it has agreed with the pure step once more."""
        self._made = OrderedDict((key, made._replace(trusted=False)) for key, made in self._made.items())
