"""Progress of training on stderr: a bar by rich on a terminal, a bar in plain text without rich, a few lines into a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import perf_counter

import attrs

from pure_mlp.installed import has

Show = Callable[[int, str, bool], None]
"""show(examples done, text, whether an epoch is over)."""


@attrs.define
class Meter:
    """Counts examples and tells `show` about them, at most 20 times a second; the rate is over all of the time spent so far.

    before: how many were done before it started.
    """

    epochs: int
    show: Show
    before: int = 0
    started: float = attrs.field(factory=perf_counter)
    shown: float = 0.0
    done: int = attrs.field(default=attrs.Factory(lambda self: self.before, takes_self=True))
    epoch: int = 0
    loss: str = "-"

    def batch(self, examples: int) -> None:
        """Count this many more examples."""
        self.done += examples
        if perf_counter() - self.shown > 0.05:
            self._tell(False)

    def finished(self, epoch: int, loss: float, metric: str) -> None:
        """The epoch is over, with this mean loss, and this metric in words."""
        self.epoch, self.loss = epoch, f"{loss:.4g}  {metric}"
        self._tell(True)

    def _tell(self, over: bool) -> None:
        self.shown = perf_counter()
        rate = (self.done - self.before) / max(self.shown - self.started, 1e-9)
        self.show(self.done, f"epoch {self.epoch}/{self.epochs}  loss {self.loss}  {rate:,.0f} examples/s", over)


@contextmanager
def progress(epochs: int, examples: int, before: int = 0) -> Generator[Meter]:
    """A meter for `epochs` passes through `examples` examples, `before` of which are done, shown as suits stderr.

    >>> with progress(epochs=2, examples=100) as meter:
    ...     meter.batch(100)
    >>> meter.done
    100
    """
    total = epochs * examples
    if not sys.stderr.isatty():
        milestones = {max(1, round(epochs * tenth / 10)) * examples for tenth in range(11)}
        yield Meter(epochs, lambda done, text, over: print(text, file=sys.stderr) if over and done in milestones else None, before)
    elif has("rich"):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        words = TextColumn("{task.description}", markup=False)
        with Progress(BarColumn(30), TaskProgressColumn(), words, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=total)
            yield Meter(epochs, lambda done, text, over: bar.update(task, completed=done, description=text), before)
    else:
        try:
            yield Meter(epochs, lambda done, text, over: _bar(done / total, text), before)
        finally:
            sys.stderr.write("\n")


def _bar(fraction: float, text: str) -> None:
    full = int(30 * fraction)
    sys.stderr.write(f"\r[{'#' * full}{'.' * (30 - full)}] {100 * fraction:3.0f} %  {text}\x1b[K")
    sys.stderr.flush()
