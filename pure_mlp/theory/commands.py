"""The command `theory` and its flags."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pure_mlp.losses.reduction import Reduction
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.losses import LOSS_ROWS

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
    theory.add_argument("--handout", action="store_true", help="all answers to the handout in one document")
    activations = [row.word for row in LAYER_ROWS.values() if row.word and row.equation]
    losses = [row.name for row in LOSS_ROWS.values() if row.equation]
    theory.add_argument("--f", choices=activations, help="activation after Linear_1 (relu)")
    theory.add_argument("--g", choices=activations, help="activation after Linear_2 (identity)")
    theory.add_argument("--loss", choices=losses, help="(mse; the handout's 1.2 is squared_norm)")
    theory.add_argument("--reduction", choices=("mean", "sum", "batchmean"), help="of the loss (mean)")
    theory.add_argument("--seed", type=natural, default=0, metavar="N", help="of the drawn numbers (0)")
    theory.add_argument("-o", "--out", type=Path, metavar="FILE", help="a .txt, .md, .tex or .pdf file; the terminal if not given")
    theory.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Print the document, or write it and say where; 0.

    Raises `ValueError` for a loss that g does not serve, a net beside `--handout`, or a bad ending.

    >>> run(Namespace(out=Path("theory.doc")))
    Traceback (most recent call last):
    ValueError: theory.doc: expected a name that ends in .txt, .md, .tex or .pdf
    """
    from pure_mlp.theory.files import ENDINGS, write
    from pure_mlp.theory.handout import handout
    from pure_mlp.theory.theory import theory
    from pure_mlp.theory.write_text import to_text

    if args.out is not None and args.out.suffix not in ENDINGS:
        write((), args.out)
    given = [name for name in ("f", "g", "loss", "reduction") if getattr(args, name) is not None]
    if args.handout and given:
        raise ValueError(f"--handout is about the handout's own nets: leave out --{given[0]}, or leave out --handout")
    if args.handout:
        document = handout(args.seed)
    else:
        reduction: Reduction = args.reduction or "mean"
        document = theory(args.f or "relu", args.g or "identity", args.loss or "mse", args.seed, reduction)
    if args.out is None:
        print(to_text(document), end="")
    else:
        print(*write(document, args.out), sep="\n")
    return 0
