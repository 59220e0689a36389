"""Everybody's times on one task."""

from __future__ import annotations

from collections.abc import Sequence

from .report import Result
from .task import Task
from .timing import Entry, interleave
from .workers import Unavailable, workers


def compare(task: Task, names: Sequence[str], rounds: int, seconds: float) -> Result:
    """Start everybody, check their parameters, take their times, then their memory."""
    result = Result({}, {}, {}, {})
    entries: dict[str, Entry] = {}
    with workers(task, names) as found:
        for name, worker in found.items():
            try:
                reply = worker.start(name)
            except (Unavailable, AssertionError) as error:
                result.missing[name] = str(error)
                continue
            entries[name], result.first[name] = Entry(worker, name, reply["steps"]), reply["seconds"]
        result.times.update(interleave(entries, rounds, seconds))
        for name, entry in entries.items():
            if entry.worker.runtime == "torch_peers" and entry.steps == 1:
                reply = entry.worker.ask("memory", name)
                result.memory[name] = reply["peak"], reply["total"]
    return result
