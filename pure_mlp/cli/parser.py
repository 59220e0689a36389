"""The flags."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import NoReturn, get_args

from pure_mlp._compile.program import Engine
from pure_mlp.cli.docs import add_parser as add_docs
from pure_mlp.cli.folder import EVENTS, JSONL
from pure_mlp.cli.logs import LOGS
from pure_mlp.cli.pages import add_parsers as add_pages
from pure_mlp.cli.setup import RULES
from pure_mlp.cli.values import fraction, fraction_or_name, mesh, natural, place, positive, positive_int, rule, width
from pure_mlp.cli.version import version
from pure_mlp.data.dataset import Task
from pure_mlp.homework.commands import add_parser as add_homework
from pure_mlp.learn.commands import add_parser as add_learn
from pure_mlp.registry.functions import ACTIVATIONS, ELEMENTWISE, LOSSES, OPTIMIZERS, RATES
from pure_mlp.theory.commands import add_parser as add_theory

COMMANDS = "train | predict | trace | report | compare | check | homework | theory | learn | docs"


class UsageError(ValueError):
    """Flags that cannot be understood; the message begins with the command."""


class Parser(ArgumentParser):
    """An `ArgumentParser` that raises `UsageError` in one line instead of printing its usage and leaving."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(f"{self.prog}: {message}")


def _rates() -> str:
    return ", ".join(f"{rate:g} for {name}" for name, rate in RATES.items())


def parser() -> Parser:
    """The parser of `pure-mlp`; `options.command` is the name of the command.

    >>> parser().parse_args(["train", "--hidden", "64", "32"]).hidden
    [64, 32]
    >>> parser().parse_args(["train", "--lr", "-1"])
    Traceback (most recent call last):
    pure_mlp.cli.parser.UsageError: pure-mlp train: argument --lr: '-1' is not a number above 0
    """
    top = Parser("pure-mlp", description="Neural networks in which every derivative is a hand-written pure function.")
    top.add_argument("-V", "--version", action="version", version=f"pure-mlp {version()}")
    commands = top.add_subparsers(dest="command", metavar=COMMANDS)

    train = commands.add_parser("train", help="train a net and keep it")
    train.add_argument(
        "data",
        nargs="?",
        default="digits",
        help="digits, breast_cancer, diabetes, an idx folder, an .npz, .csv or .parquet file (%(default)s)",
    )
    train.add_argument(
        "--hidden",
        nargs="*",
        type=width,
        default=[64],
        metavar="N",
        help="widths of the hidden layers; none for an affine model (64)",
    )
    train.add_argument("--f", choices=ELEMENTWISE, default="relu", help="activation of the hidden layers (%(default)s)")
    train.add_argument("--g", choices=[*ACTIVATIONS], default="identity", help="activation of the output (%(default)s)")
    train.add_argument(
        "--loss", choices=[*LOSSES], help="(cross_entropy for classes, bce_with_logits for binary, mse for regression)"
    )
    train.add_argument("--optimizer", choices=[*OPTIMIZERS], default="adam", help="how gradients become updates (%(default)s)")
    train.add_argument(
        "--rule",
        type=rule,
        choices=RULES,
        default="backprop",
        help="what computes dx: backprop, (direct) feedback alignment, signs of the weights, Kolen-Pollack, "
        "straight through activations (%(default)s)",
    )
    train.add_argument("--lr", type=positive, help=f"learning rate ({_rates()})")
    train.add_argument("--batch", type=positive_int, default=16, metavar="N", help="examples per step (%(default)s)")
    train.add_argument(
        "--epochs", type=positive_int, default=30, metavar="N", help="passes through the training part (%(default)s)"
    )
    train.add_argument("--seed", type=natural, default=0, metavar="N", help="seed of split, params and order (%(default)s)")
    train.add_argument(
        "--val",
        type=fraction_or_name,
        metavar="P|FILE",
        help="validate on this fraction of the training part, or on other data, and keep the params of the best epoch (none)",
    )
    train.add_argument(
        "--patience", type=positive_int, metavar="N", help="stop after N epochs without a better validation loss (--val 0.1)"
    )
    train.add_argument(
        "--save-every", type=positive_int, metavar="N", help="also keep the params of every N-th epoch, each in a file"
    )
    train.add_argument(
        "--test-fraction", type=fraction, default=0.2, metavar="P", help="held out, unless the source has a test part (%(default)s)"
    )
    train.add_argument(
        "--engine",
        choices=get_args(Engine),
        help="what runs the steps: Python as it stands, a flat program, that program in C (the fastest that needs no compiler)",
    )
    train.add_argument(
        "--task", choices=get_args(Task), help="what the labels are (guessed: regression of floats, else binary or classes)"
    )
    train.add_argument(
        "--mesh",
        type=mesh,
        metavar="dp=N[,tp=N|,sharded]",
        help="train by several processes, each on its share of every batch (dp), of the units (tp), of the memory (sharded): "
        "torchrun --nproc-per-node N -m pure_mlp train .. --mesh dp=N",
    )
    train.add_argument("--target", metavar="COL", help="the column of a .csv or .parquet file to learn; all others are inputs")
    train.add_argument("--drop", action="append", default=[], metavar="COL", help="leave this column out; may be repeated")
    train.add_argument(
        "--text", action="append", default=[], metavar="COL", help="treat the numbers of this column as texts, such as postal codes"
    )
    train.add_argument(
        "--embed", action="append", default=[], metavar="COL", help="learn a vector for each text of this column; may be repeated"
    )
    train.add_argument(
        "--embed-width", type=positive_int, default=8, metavar="N", help="how many numbers these vectors have (%(default)s)"
    )
    train.add_argument("--impute", action="store_true", help="fill in missing values, numbers by their mean (refused)")
    train.add_argument(
        "--log",
        action="append",
        choices=[*LOGS],
        default=[],
        help=f"also write every epoch into --out as a line of JSON ({JSONL}) or for TensorBoard ({EVENTS}/); may be given twice",
    )
    train.add_argument("--out", type=place, metavar="DIR", help="where params, metrics and curves are written after every epoch")
    there = train.add_mutually_exclusive_group()
    there.add_argument("--overwrite", action="store_true", help="replace the run that is in --out already")
    there.add_argument("--resume", action="store_true", help="go on with the run in --out, if there is one, under the same flags")

    predict = commands.add_parser("predict", help="run a saved model on data")
    predict.add_argument("model", help="the --out folder of a training run, or its params file")
    predict.add_argument("data", help="as for train, or a .csv file of features alone; a table with the same columns")
    predict.add_argument(
        "--part", choices=("all", "test"), default="all", help="test: the part that training held out (%(default)s)"
    )
    predict.add_argument("--unknown-as-zeros", action="store_true", help="take texts that training has not seen (refused)")
    predict.add_argument("--csv", type=place, metavar="OUT", help="write every prediction to this file")

    trace = commands.add_parser("trace", help="replay a training run, and say where a value stopped being finite")
    trace.add_argument("run", metavar="RUN", help="the --out folder of a training run")

    add_pages(commands)

    check = commands.add_parser(
        "check", help="compare gradients with numerical ones", description="Without flags: every layer and loss of the library."
    )
    check.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="try the laws on what this file registers; of an mlp.py, show one entry"
    )
    check.add_argument("--entry", metavar="ENTRY", help="the entry of an mlp.py to show, such as b2[1] (W1[0, 2])")
    check.add_argument("--hidden", nargs="*", type=width, metavar="N", help="check a net with hidden layers of these widths")
    check.add_argument("--f", choices=ELEMENTWISE, help="activation of its hidden layers (relu)")
    check.add_argument("--g", choices=[*ACTIVATIONS], help="activation of its output (identity)")
    check.add_argument("--loss", choices=[*LOSSES], help="its loss (mse)")
    check.add_argument("--seed", type=natural, default=0, metavar="N", help="seed of the random point (0)")
    add_homework(commands)
    add_theory(commands, natural)
    add_learn(commands, natural)
    add_docs(commands)
    return top
