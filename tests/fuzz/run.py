"""Programs one after another, each in a process of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from pure_mlp import Engine, fold

from .check import Verdict, check
from .draw import drawn
from .forks import Died, forked
from .nets import drawn_net
from .program import HEAD, Program
from .shrink import shrunk


class Difference(NamedTuple):
    """A program on which an engine differs from the loop."""

    seed: int
    engine: Engine
    program: Program
    words: list[str]

    def __str__(self) -> str:
        last = f"print(*fold_differences(make, {self.engine!r}), sep='\\n')"
        told = "".join(f"# {words[:300]}\n" for words in self.words)
        return f"# seed {self.seed}, engine {self.engine}\n{told}{HEAD}\n{self.program.source()}\n{last}\n"


def program_of(seed: int) -> Program:
    """The program of a seed: every third one a net of the library."""
    return drawn_net(seed) if seed % 3 == 2 else drawn(seed)


def judged(program: Program, engine: Engine, *, seconds: float = 120.0) -> Verdict:
    """What the engine makes of the program, a crash of the process among it."""
    try:
        return forked(lambda: check(program, engine), seconds=seconds)
    except Died as end:
        return Verdict([str(end)])


def halved(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    return w * 0.5 + x, w.sum()


def warm(engine: Engine) -> None:
    """Import what planning imports, once for all forks, which have one thread each."""
    torch.set_num_threads(1)
    fold(halved, engine=engine)(torch.ones(2), [torch.ones(2)])


def run(
    seeds: Iterable[int], engines: Iterable[Engine], *, counts: Counter[str], until: float = float("inf"), shrink: float = 60.0
) -> Iterator[Difference]:
    """The programs of these seeds on these engines, till the clock says `until`; what became of them is counted."""
    for seed in seeds:
        program = forked(lambda: program_of(seed))  # noqa: B023  # called at once
        for engine in engines:
            if time.monotonic() > until:
                return
            verdict = judged(program, engine)
            counts[f"{engine} {outcome(verdict)}"] += 1
            if verdict.differences:
                found: Callable[[Program], bool] = lambda p: bool(judged(p, engine).differences)  # noqa: B023, E731
                short = shrunk(program, found, seconds=shrink) if shrink else program
                yield Difference(seed, engine, short, judged(short, engine).differences or verdict.differences)


def outcome(verdict: Verdict) -> str:
    """A verdict in a word."""
    if verdict.differences:
        return "differ"
    if verdict.unstable:
        return "say nothing"
    return "stepped down" if verdict.warned else "agree"
