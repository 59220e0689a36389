"""The command `learn` and its flags."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Parser = TypeVar("Parser", bound=ArgumentParser)


def add_parser(commands: _SubParsersAction[Parser], natural: Callable[[str], int] = int) -> None:
    """Register `learn`, with `run(args) -> exit code` as its default.

    Args:
        commands: of the parser that gets one more.
        natural: reads a seed.

    >>> parser = ArgumentParser()
    >>> add_parser(parser.add_subparsers())
    >>> parser.parse_args(["learn", "-o", "learn.html"]).seed
    0
    """
    learn = commands.add_parser("learn", help="write a page to learn backpropagation with, or a notebook of exercises")
    kinds = learn.add_mutually_exclusive_group(required=True)
    kinds.add_argument("-o", "--out", type=Path, metavar="FILE", help="an .html file")
    kinds.add_argument("--notebook", type=Path, metavar="FILE", help="instead an .ipynb file: exercises with blanks, each graded")
    learn.add_argument("--seed", type=natural, default=0, metavar="N", help="of the numbers that the page starts with (0)")
    learn.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Write the page or the notebook and say where; 0. Raises `ValueError` for another ending.

    >>> run(Namespace(out=Path("learn.pdf"), notebook=None, seed=0))
    Traceback (most recent call last):
    ValueError: learn.pdf: expected a name that ends in .html
    """
    from pure_mlp.learn.notebook import notebook
    from pure_mlp.learn.page import page

    path, ending = (args.out, ".html") if args.out else (args.notebook, ".ipynb")
    if path.suffix != ending:
        raise ValueError(f"{path.name}: expected a name that ends in {ending}")
    path.write_text(page(args.seed) if args.out else notebook(), encoding="utf-8")
    print(path)
    return 0
