"""Progress over many files on stderr: a bar by rich on a terminal, one in plain text without rich, nothing elsewhere.

Where the reports themselves go to the terminal, they are the progress.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec

from pure_mlp.homework.grade.judge import VERDICTS, Report

WORDS = ("right", "with remarks", "failing", "not run")


def _has_rich() -> bool:
    return find_spec("rich") is not None


@contextmanager
def progress(total: int) -> Generator[Callable[[Report], None]]:
    """An observer of `total` reports; a single file has no bar.

    >>> with progress(300) as observer:
    ...     observer(Report("mlp.py"))
    """
    counts: Counter[str] = Counter()

    def told(report: Report) -> str:
        counts[report.verdict] += 1
        return ", ".join(f"{counts[v]} {word}" for v, word in zip(VERDICTS, WORDS) if counts[v])

    if total < 2 or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda report: None
    elif _has_rich():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        words = TextColumn("{task.description}", markup=False)
        columns = (BarColumn(30), MofNCompleteColumn(), words, TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bar:
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
