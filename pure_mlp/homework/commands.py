"""The command `homework` and its flags."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pure_mlp.homework.bundle import bundle, write_bundle
from pure_mlp.homework.submit import submit

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parser(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Register `homework bundle | submit`, each with `run(args) -> exit code` as its default.

    >>> parser = ArgumentParser()
    >>> add_parser(parser.add_subparsers())
    >>> parser.parse_args(["homework", "bundle", "here"]).directory
    PosixPath('here')
    """
    homework = commands.add_parser("homework", help="the homework's single file, its zip, and a grader")
    parts = homework.add_subparsers(dest="part", required=True)

    part = parts.add_parser("bundle", help="write one self-contained mlp.py (Python 3.7 and torch 1.7.1 to today's)")
    part.add_argument("directory", nargs="?", type=Path, default=Path(), metavar="DIR", help="where to; here if not given")
    part.set_defaults(run=run_bundle)

    part = parts.add_parser("submit", help="write NETID.zip with exactly theory.pdf and mlp.py")
    part.add_argument("netid", metavar="NETID")
    part.add_argument("--theory", type=Path, required=True, metavar="theory.pdf")
    part.add_argument("--mlp", type=Path, metavar="mlp.py", help="another file than the one that `bundle` writes")
    part.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to; here if not given")
    part.set_defaults(run=run_submit)


def run_bundle(args: Namespace) -> int:
    """Write the single file and say where; 0."""
    print(write_bundle(args.directory))
    return 0


def run_submit(args: Namespace) -> int:
    """Write the zip and say where; 0. Raises `ValueError` or `OSError` for a part that is missing, misnamed or unreadable."""
    if args.mlp is not None and args.mlp.name != "mlp.py":
        raise ValueError(f"{args.mlp} has to be called mlp.py")
    program = bundle().encode() if args.mlp is None else args.mlp.read_bytes()
    print(submit(args.netid, args.theory, program, args.out))
    return 0
