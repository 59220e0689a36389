"""The commands `report` and `compare`, and their flags."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pure_mlp.cli.folder import PAGE
from pure_mlp.cli.params import params_file
from pure_mlp.cli.printing import say
from pure_mlp.cli.recorded import Recorded, recorded
from pure_mlp.cli.report import table
from pure_mlp.saving.files import replace_file

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parsers"]

P = TypeVar("P", bound=ArgumentParser)


def add_parsers(commands: _SubParsersAction[P]) -> None:
    """Register `report RUN` and `compare RUN RUN ..`, with `run(args) -> exit code` as their defaults.

    >>> parser = ArgumentParser()
    >>> add_parsers(parser.add_subparsers())
    >>> [str(path) for path in parser.parse_args(["compare", "a", "b"]).folders]
    ['a', 'b']
    """
    report = commands.add_parser("report", help="write a page about a training run")
    report.add_argument("folder", type=Path, metavar="RUN", help="the --out folder of a training run")
    report.add_argument("-o", "--out", type=Path, metavar="FILE", help=f"an .html file ({PAGE} in the folder)")
    report.set_defaults(run=_report)
    compare = commands.add_parser("compare", help="compare training runs")
    compare.add_argument("folders", type=Path, nargs="+", metavar="RUN", help="the --out folders of training runs")
    compare.add_argument("-o", "--out", type=Path, metavar="FILE", help="also write an .html file with their curves")
    compare.set_defaults(run=_compare)


def _report(args: Namespace) -> int:
    """Run the training again, write what was seen, and say where; 0."""
    from pure_mlp.cli.run_page import run_page

    out = args.out or params_file(args.folder).parent / PAGE
    _refuse(out)
    _write(out, run_page(recorded(args.folder)))
    return 0


def _compare(args: Namespace) -> int:
    """Print the table, and write the page if one is asked for; 0."""
    from pure_mlp.cli.compared import compared, compared_page

    if args.out:
        _refuse(args.out)
    runs: list[Recorded] = [recorded(folder) for folder in args.folders]
    for run in runs:
        if not run.rows:
            raise ValueError(f"the run in {run.place} has no epoch yet")
    table(f"{len(runs)} runs", *compared(runs))
    if args.out:
        print()
        _write(args.out, compared_page(runs))
    return 0


def _refuse(path: Path) -> None:
    """Before anything is computed."""
    if path.suffix.lower() != ".html":
        raise ValueError(f"{path}: expected a name that ends in .html")
    if not path.parent.is_dir():
        raise ValueError(f"{path}: there is no folder {path.parent} to write to")


def _write(path: Path, html: str) -> None:
    replace_file(path, html.encode())
    say(str(path))
