"""Which caches of a chain to keep and which to compute again: the cheapest way for every number of bytes.

A schedule is a list of pieces: a layer as it stands, which keeps its cache, or a segment that keeps its input alone and is run
again, by a schedule of its own, when the backward pass comes to it. These are the nets of `serial` and `remat`, and the
persistent schedules of Beaumont et al. (arXiv:1911.13214), whose dynamic programming this is, in bytes instead of slots: a
segment of the chain has a list of all its schedules that no other one beats in bytes and cost both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from math import inf
from operator import itemgetter
from typing import TypeAlias

import attrs

__all__ = ["Held", "Link", "Schedule", "schedules"]

Held: TypeAlias = Mapping[int, int]
"""Pieces of memory: the bytes of each, by what tells it from others."""


@attrs.frozen(eq=False)
class Link:
    """A layer of a chain: what its forward pass costs, and the memory of its input and of its cache, which may be the same."""

    cost: float
    x: Held
    cache: Held


@attrs.frozen(eq=False)
class Schedule:
    """Its first piece, and the rest; none at the end. `again` is how the segment is run again; None is a layer as it stands.

    nbytes: the most that is held at once, besides what was held before. cost: of what is run again, and the number of layers.
    """

    nbytes: int
    cost: tuple[float, int]
    again: Schedule | None = None
    rest: Schedule | None = None


Piece: TypeAlias = tuple[int, tuple[float, int], "Schedule | None", Schedule]
"""The fields of a schedule."""


def schedules(chain: Sequence[Link], most: float = inf) -> list[Schedule]:
    """Every schedule of at most so many bytes that no other one beats, from the smallest and dearest to the largest and cheapest.

    The input of the chain is held throughout and counts.

    >>> link = Link(1.0, {0: 4}, {0: 4}), Link(1.0, {1: 4}, {1: 4}), Link(1.0, {2: 4}, {2: 4}), Link(1.0, {3: 4}, {3: 4})
    >>> [(schedule.nbytes, schedule.cost) for schedule in schedules(link)]
    [(8, (5.0, 5)), (12, (2.0, 2)), (16, (0, 0))]
    """

    @cache
    def run(start: int, end: int, held: frozenset[int]) -> list[Schedule]:
        """Those of the layers from start to end, where `held` of the first one's input is held already."""
        if start == end:
            return [Schedule(0, (0, 0))]
        link = chain[start]
        added = _bytes(link.cache, held)
        after = run(start + 1, end, left(start + 1, held.union(link.cache)))
        found: list[Piece] = [(added + s.nbytes, s.cost, None, s) for s in after]
        added, cost = _bytes(link.x, held), 0.0
        for stop in range(start + 1, end):  # the last segment is never run again: nothing has come in between
            cost += chain[stop - 1].cost
            again = run(start, stop, frozenset(link.x))
            found += _joined(added, (cost, stop - start), again, run(stop, end, left(stop, frozenset(link.x))))
        return _unbeaten(found, most)

    def left(place: int, held: frozenset[int]) -> frozenset[int]:
        return held.intersection(chain[place].x) if place < len(chain) else frozenset()

    given = chain[0].x if chain else {}
    whole = [attrs.evolve(s, nbytes=s.nbytes + _bytes(given, frozenset())) for s in run(0, len(chain), frozenset(given))]
    return [s for s in whole if s.nbytes <= most]


def _bytes(memory: Held, held: frozenset[int]) -> int:
    return sum(size for name, size in memory.items() if name not in held)


def _joined(added: int, forward: tuple[float, int], again: list[Schedule], rest: list[Schedule]) -> Iterator[Piece]:
    """A segment that is run again before others, for every number of bytes at which the best of either changes."""
    i = j = 0
    while i < len(again) and j < len(rest):
        a, b = again[i], rest[j]
        cost = forward[0] + a.cost[0] + b.cost[0], forward[1] + a.cost[1] + b.cost[1]
        yield added + max(a.nbytes, b.nbytes), cost, a, b
        if j + 1 == len(rest) or (i + 1 < len(again) and again[i + 1].nbytes < rest[j + 1].nbytes):
            i += 1
        else:
            j += 1


def _unbeaten(found: list[Piece], most: float) -> list[Schedule]:
    """Those of at most so many bytes that cost less than all that need no more."""
    kept: list[Schedule] = []
    for nbytes, cost, again, rest in sorted(found, key=itemgetter(0, 1)):
        if nbytes <= most and (not kept or cost < kept[-1].cost):
            kept.append(Schedule(nbytes, cost, again, rest))
    return kept
