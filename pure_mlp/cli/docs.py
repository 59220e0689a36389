"""The command `docs`: the pages of the manual, which are part of the package, and the page of the public names, which is made."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pure_mlp.cli.reference import reference

if TYPE_CHECKING:
    from argparse import _SubParsersAction

FOLDER = Path(__file__).parents[1] / "docs"

P = TypeVar("P", bound=ArgumentParser)


def add_parser(commands: _SubParsersAction[P]) -> None:
    """Register `docs [PAGE]`, with `run(args) -> exit code` as its default.

    >>> parser = ArgumentParser()
    >>> add_parser(parser.add_subparsers())
    >>> parser.parse_args(["docs", "guide"]).page
    'guide'
    """
    docs = commands.add_parser("docs", help="print a page of the manual")
    docs.add_argument("page", nargs="?", metavar="PAGE", help="the name of a page; a list of them if not given")
    docs.set_defaults(run=_run)


def page(name: str) -> str:
    """The text of a page. Raises `ValueError` where there is no such page, with the names of those there are.

    >>> page("guide").splitlines()[0]
    '# Guide'
    """
    pages = names()
    if name not in pages:
        raise ValueError(f"no page {name!r}, expected one of {', '.join(pages)}")
    return reference() if name == "api" else (FOLDER / f"{name}.md").read_text("utf-8")


def names() -> list[str]:
    """The names of the pages, sorted.

    >>> "guide" in names()
    True
    """
    return sorted(["api", *(path.stem for path in FOLDER.glob("*.md"))])


def _run(args: Namespace) -> int:
    """Print the page, or the names and titles of all; 0."""
    if args.page is not None:
        print(page(args.page), end="")
        return 0
    for name in names():
        print(f"{name:14}{page(name).splitlines()[0].removeprefix('# ')}")
    return 0
