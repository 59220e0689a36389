"""The command `homework grade`: files in, reports out, each as soon as it is there."""

from __future__ import annotations

import signal
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import get_terminal_size

from pure_mlp.homework.grade.credit import read_points
from pure_mlp.homework.grade.gradebooks import GRADEBOOKS, write
from pure_mlp.homework.grade.judge import PARTS, Report
from pure_mlp.homework.grade.plain import plain
from pure_mlp.homework.grade.progress import progress
from pure_mlp.homework.grade.report import as_summary, as_text, exit_code
from pure_mlp.homework.grade.run import Limits, grading
from pure_mlp.homework.grade.selection import select
from pure_mlp.homework.grade.tables import as_csv, as_json, csv_head


def add_flags(part: ArgumentParser) -> None:
    """The flags of `homework grade`, with `run(args) -> exit code` as a default.

    >>> parser = ArgumentParser()
    >>> add_flags(parser)
    >>> parser.parse_args(["mlp.py", "--only", "mse_loss"]).only
    'mse_loss'
    """
    part.description = "Each file runs in its own process within limits, as you: this is no sandbox against malice."
    part.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, or folders with .py files at any depth")
    form = part.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON list instead of tables")
    form.add_argument("--csv", action="store_true", help="a line a file instead of tables")
    form.add_argument("--format", choices=[*GRADEBOOKS], default="", help="write one file's grade for this gradebook")
    part.add_argument("--points", type=Path, metavar="FILE", help="for --format: rows and points as JSON; 1 each if not given")
    part.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="for --format: where to; here if not given")
    part.add_argument("--only", choices=[*PARTS], default="", help="look at this part alone, for a file that is not done yet")
    part.add_argument("--seconds", type=int, default=Limits().seconds, help="limit of one file, 60 if not given")
    part.add_argument("--memory", type=int, default=Limits().memory, metavar="MB", help="limit of one file, 4096 if not given")
    part.add_argument("--jobs", type=int, metavar="N", help="files at a time; as many as processors if not given")
    part.set_defaults(run=run_grade)


def run_grade(args: Namespace) -> int:
    """Print the reports; 0 if all pass, 1 if some fail, 2 if some could not be run. Raises `ValueError` for no file.

    Ctrl-C and SIGTERM end what runs, and raise `KeyboardInterrupt` after what is graded has been printed.

    >>> run_grade(Namespace(paths=[Path("a"), Path("b")], seconds=0, memory=1, jobs=1))
    Traceback (most recent call last):
    ValueError: --seconds 0 --memory 1 --jobs 1, expected at least 1
    """
    if min(args.seconds, args.memory, args.jobs or 1) < 1:
        raise ValueError(f"--seconds {args.seconds} --memory {args.memory} --jobs {args.jobs}, expected at least 1")
    paths, skipped = select(args.paths)
    if args.format:
        return _for_gradebook(args, paths)
    for path in skipped:
        print(f"{plain(str(path))}: skipped, it defines no MLP", file=sys.stderr if args.json or args.csv else sys.stdout)
    done: list[Report] = []
    form = "json" if args.json else "csv" if args.csv else "text"
    with terminated_as_interrupted(), progress(len(paths)) as observer:
        reports = grading(paths, Limits(args.seconds, args.memory), args.jobs, args.only, observer)
        try:
            say(_before(form))
            for report in reports:
                say(_one(form, report, len(paths) > 1, first=not done))
                done.append(report)
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(f"interrupted: {len(done)} of {len(paths)} files graded") from error
        finally:
            reports.close()
            say(_after(form, done))
    return exit_code(done)


def _for_gradebook(args: Namespace, paths: Sequence[Path]) -> int:
    """Write the files for a gradebook and say which; 0: a bad grade is no failure of the grading."""
    if len(paths) != 1:
        raise ValueError(f"--format {args.format} takes one file, not {len(paths)}")
    points, begin = read_points(args.points), time.monotonic()
    with terminated_as_interrupted(), closing(grading(paths, Limits(args.seconds, args.memory), 1, args.only)) as reports:
        report = next(reports)
    for path in write(GRADEBOOKS[args.format](report, points, time.monotonic() - begin), args.out):
        say(f"{path}\n")
    return 0


def _before(form: str) -> str:
    return {"json": "[", "csv": csv_head(), "text": ""}[form]


def _one(form: str, report: Report, many: bool, first: bool) -> str:
    if form == "json":
        return ("\n" if first else ",\n") + as_json(report)
    return as_csv(report) if form == "csv" else as_text(report, get_terminal_size().columns, brief=many) + "\n"


def _after(form: str, done: Sequence[Report]) -> str:
    if form == "text" and len(done) > 1:
        return as_summary(done, get_terminal_size().columns) + "\n"
    return "\n]\n" if form == "json" else ""


def say(text: str) -> None:
    """Print without a line end, at once; what the terminal's encoding has no letter for is escaped.

    >>> say("right")
    right
    """
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


@contextmanager
def terminated_as_interrupted() -> Generator[None]:
    """Within it SIGTERM raises `KeyboardInterrupt`, as Ctrl-C does; outside the main thread nothing is changed.

    >>> try:
    ...     with terminated_as_interrupted():
    ...         signal.raise_signal(signal.SIGTERM)
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    interrupted
    """

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
