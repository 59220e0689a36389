"""The command `homework` and its flags."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TypeVar

from pure_mlp.homework.bundle import bundle, write_bundle
from pure_mlp.homework.grade.progress import progress
from pure_mlp.homework.grade.report import as_csv, as_json, as_summary, as_text, exit_code
from pure_mlp.homework.grade.run import Limits, grade
from pure_mlp.homework.submit import submit

if TYPE_CHECKING:
    from argparse import _SubParsersAction


P = TypeVar("P", bound=ArgumentParser)


def add_parser(commands: _SubParsersAction[P]) -> None:
    """Register `homework bundle | submit | grade`, each with `run(args) -> exit code` as its default.

    >>> parser = ArgumentParser()
    >>> add_parser(parser.add_subparsers())
    >>> parser.parse_args(["homework", "bundle", "here"]).directory
    PosixPath('here')
    """
    homework = commands.add_parser("homework", help="the homework's single file, its zip, and a grader")
    parts = homework.add_subparsers(dest="part", required=True)

    part = parts.add_parser("bundle", help="write one self-contained mlp.py (Python 3.7 and torch 1.7.1 to today's)")
    part.add_argument("directory", nargs="?", type=Path, default=Path(), metavar="DIR", help="where to; here if not given")
    part.set_defaults(run=_run_bundle)

    part = parts.add_parser("submit", help="write NETID.zip with exactly theory.pdf and mlp.py")
    part.add_argument("netid", metavar="NETID")
    part.add_argument("--theory", type=Path, required=True, metavar="theory.pdf")
    part.add_argument("--mlp", type=Path, metavar="mlp.py", help="another file than the one that `bundle` writes")
    part.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to; here if not given")
    part.set_defaults(run=_run_submit)

    part = parts.add_parser("grade", help="say of any mlp.py which term of which gradient is wrong; not a sandbox: see --help")
    part.description = "Each file runs in its own process within limits, as you: this is no sandbox against malice."
    part.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, or folders with .py files at any depth")
    form = part.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON list instead of tables")
    form.add_argument("--csv", action="store_true", help="a line a file instead of tables")
    part.add_argument("--seconds", type=int, default=Limits().seconds, help="limit of one file, 60 if not given")
    part.add_argument("--memory", type=int, default=Limits().memory, metavar="MB", help="limit of one file, 4096 if not given")
    part.add_argument("--jobs", type=int, metavar="N", help="files at a time; as many as processors if not given")
    part.set_defaults(run=_run_grade)


def _run_bundle(args: Namespace) -> int:
    """Write the single file and say where; 0."""
    print(write_bundle(args.directory))
    return 0


def _run_submit(args: Namespace) -> int:
    """Write the zip and say where; 0. Raises `ValueError` or `OSError` for a part that is missing, misnamed or unreadable."""
    if args.mlp is not None and args.mlp.name != "mlp.py":
        raise ValueError(f"{args.mlp} has to be called mlp.py")
    program = bundle().encode() if args.mlp is None else args.mlp.read_bytes()
    print(submit(args.netid, args.theory, program, args.out))
    return 0


def _run_grade(args: Namespace) -> int:
    """Print the reports; 0 if all are right, 1 if some are wrong, 2 if some could not be run. Raises `ValueError` for no file."""
    paths = [file for path in args.paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    if not paths:
        raise ValueError(f"no .py file in {', '.join(map(str, args.paths))}")
    if min(args.seconds, args.memory, args.jobs or 1) < 1:
        raise ValueError(f"--seconds {args.seconds} --memory {args.memory} --jobs {args.jobs}, expected at least 1")
    with progress(len(paths)) as observer:
        reports = grade(paths, Limits(args.seconds, args.memory), args.jobs, observer)
    if args.json:
        print(as_json(reports))
    elif args.csv:
        print(as_csv(reports), end="")
    else:
        width = get_terminal_size().columns
        texts = [as_text(report, width, brief=len(reports) > 1) for report in reports]
        print("\n".join([*texts, as_summary(reports, width)] if len(reports) > 1 else texts))
    return exit_code(reports)
