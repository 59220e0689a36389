"""Progress over many files on stderr: a bar by rich on a terminal, one in plain text without rich, nothing elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pure_mlp.homework.grade.judge import Report
from pure_mlp.homework.grade.report import VERDICTS, verdict
from pure_mlp.installed import has


@contextmanager
def progress(total: int) -> Iterator[Callable[[Report], None]]:
    """An observer of `total` reports; a single file has no bar.

    >>> with progress(300) as observer:
    ...     observer(Report("mlp.py"))
    """
    counts: Counter[str] = Counter()

    def told(report: Report) -> str:
        counts[verdict(report)] += 1
        return ", ".join(f"{counts[v]} {v}" for v in VERDICTS if counts[v])

    if total < 2 or not sys.stderr.isatty():
        yield lambda report: None
    elif has("rich"):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        words = TextColumn("{task.description}", markup=False)
        with Progress(BarColumn(30), MofNCompleteColumn(), words, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=total)
            yield lambda report: bar.update(task, advance=1, description=told(report))
    else:
        try:
            yield lambda report: _bar(total, told(report), counts)
        finally:
            sys.stderr.write("\n")


def _bar(total: int, text: str, counts: Counter[str]) -> None:
    done = sum(counts.values())
    full = 30 * done // total
    sys.stderr.write(f"\r[{'#' * full}{'.' * (30 - full)}] {done}/{total}  {text}\x1b[K")
    sys.stderr.flush()
