"""What was measured, as text for a terminal and as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from .timing import Ratio, ratio


class Result(NamedTuple):
    """By peer: seconds a step in each round, to the end of the first call, bytes of a call (peak, sum); who is missing, and why."""

    times: dict[str, list[float]]
    first: dict[str, float]
    memory: dict[str, tuple[int, int]]
    missing: dict[str, str]

    def ratios(self) -> dict[str, Ratio]:
        """To eager, the quickest first."""
        found = {name: ratio(times, self.times["eager"]) for name, times in self.times.items()}
        return dict(sorted(found.items(), key=lambda item: item[1].median))


def lines(result: Result) -> Iterator[str]:
    """A row a peer: ratio to eager, microseconds, the first call, memory in MiB and over eager's."""
    memory = "peak, MiB, of eager  allocated, of eager"
    yield f"  {'peer':12} {'median [quartiles]':22} {'us':>9} {'first, s':>9}   {memory}"
    for name, row in result.ratios().items():
        text = f"  {name:12} {row!s:22} {1e6 * median(result.times[name]):9.1f} {result.first[name]:9.3f}"
        if name in result.memory:
            for mine, theirs in zip(result.memory[name], result.memory["eager"]):
                text += f"   {mine / 2**20:8.3f} {mine / theirs:9.2f}"
        yield text
    for name, why in result.missing.items():
        yield f"  {name:12} left out: {why}"


def markdown(results: Mapping[str, Result], names: Sequence[str]) -> Iterator[str]:
    """A row a shape, a column a peer: the ratios to eager."""
    columns = [name for name in names if any(name in result.times for result in results.values())]
    yield f"| shape | {' | '.join(columns)} |"
    yield f"|{'---|' * (len(columns) + 1)}"
    for shape, result in results.items():
        ratios = result.ratios()
        yield f"| {shape} | {' | '.join(str(ratios.get(name, '')) for name in columns)} |"
