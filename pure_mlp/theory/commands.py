"""The command `theory` and its flags."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pure_mlp.registry.functions import ACTIVATIONS, LOSSES

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Parser = TypeVar("Parser", bound=ArgumentParser)


def add_parser(commands: _SubParsersAction[Parser], natural: Callable[[str], int] = int) -> None:
    """Register `theory`, with `run(args) -> exit code` as its default.

    Args:
        commands: of the parser that gets one more.
        natural: reads a seed.

    >>> parser = ArgumentParser()
    >>> add_parser(parser.add_subparsers())
    >>> parser.parse_args(["theory", "--f", "gelu", "-o", "theory.pdf"]).out
    PosixPath('theory.pdf')
    """
    theory = commands.add_parser("theory", help="part 1 of the homework, computed and checked, as text, Markdown, LaTeX or PDF")
    theory.add_argument("--f", choices=[*ACTIVATIONS], default="relu", help="activation after Linear_1 (relu)")
    theory.add_argument("--g", choices=[*ACTIVATIONS], default="identity", help="activation after Linear_2 (identity)")
    theory.add_argument("--loss", choices=[*LOSSES], default="mse", help="(mse; the handout's 1.2 is squared_norm)")
    theory.add_argument("--reduction", choices=("mean", "sum", "batchmean"), default="mean", help="of the loss (mean)")
    theory.add_argument("--seed", type=natural, default=0, metavar="N", help="of the drawn numbers (0)")
    theory.add_argument("-o", "--out", type=Path, metavar="FILE", help="a .txt, .md, .tex or .pdf file; the terminal if not given")
    theory.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Print the document, or write it and say where; 0.

    Raises `ValueError` for a loss that g does not serve, or a bad ending.

    >>> run(Namespace(out=Path("theory.doc")))
    Traceback (most recent call last):
    ValueError: theory.doc: expected a name that ends in .txt, .md, .tex or .pdf
    """
    from pure_mlp.theory.files import ENDINGS, write
    from pure_mlp.theory.theory import theory
    from pure_mlp.theory.write_text import to_text

    if args.out is not None and args.out.suffix not in ENDINGS:
        write((), args.out)
    document = theory(args.f, args.g, args.loss, args.seed, args.reduction)
    if args.out is None:
        print(to_text(document), end="")
    else:
        print(*write(document, args.out), sep="\n")
    return 0
