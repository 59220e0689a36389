"""The command `homework` and its flags."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TypeVar

from pure_mlp.homework.bundle import write_bundle
from pure_mlp.homework.grade.commands import add_flags, say
from pure_mlp.homework.grade.report import as_text
from pure_mlp.homework.grade.run import Limits, grade_file
from pure_mlp.homework.submit import contents, submit

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

    part = parts.add_parser("submit", help="write NETID.zip with exactly theory.pdf and the mlp.py of this folder, and grade that")
    part.add_argument("netid", metavar="NETID")
    part.add_argument("--theory", type=Path, required=True, metavar="theory.pdf")
    part.add_argument("--mlp", type=Path, default=Path("mlp.py"), metavar="mlp.py", help="./mlp.py if not given")
    part.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to; here if not given")
    part.set_defaults(run=_run_submit)

    add_flags(parts.add_parser("grade", help="say of any mlp.py which term of which gradient is wrong; not a sandbox: see --help"))


def _run_bundle(args: Namespace) -> int:
    """Write the single file and say where; 0."""
    print(write_bundle(args.directory))
    return 0


def _run_submit(args: Namespace) -> int:
    """Write the zip, and say where, what is in it, and what the grader says of it; 0.

    Raises `ValueError` or `OSError` for a part that is missing, misnamed or unreadable.
    """
    if args.mlp.name != "mlp.py":
        raise ValueError(f"{args.mlp} has to be called mlp.py")
    if not args.mlp.is_file():
        raise ValueError(f"no {args.mlp.absolute()}: write your own there, or get one to start from by `pure-mlp homework bundle`")
    path = submit(args.netid, args.theory, args.mlp.read_bytes(), args.out)
    say(f"{path}\n" + "".join(f"  {line}\n" for line in contents(path)))
    say(as_text(grade_file(args.mlp, Limits()), get_terminal_size().columns, brief=True) + "\n")
    return 0
