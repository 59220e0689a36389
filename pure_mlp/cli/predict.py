"""`predict`: what a saved model says about data, and how right it is where the answers are known."""

from __future__ import annotations

import csv
import sys
from argparse import Namespace
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from pathlib import Path

import attrs
from torch import Generator, Tensor

from pure_mlp.cli.model import Model, answers, outputs
from pure_mlp.cli.params import load_model, params_file
from pure_mlp.cli.prepared import Prepared, inputs, prepare
from pure_mlp.cli.printing import say
from pure_mlp.cli.report import table
from pure_mlp.cli.request import held_out, relabel
from pure_mlp.cli.scores import Tally, summed, tally
from pure_mlp.cli.setup import Setup
from pure_mlp.cli.streamed import Streamed
from pure_mlp.cli.summary import print_scores
from pure_mlp.cli.tables import another_table
from pure_mlp.data.load import load
from pure_mlp.data.text import read_csv
from pure_mlp.saving.files import descriptor, refuse_same, replace_file

SHOWN = 10
"""How many predictions are printed."""


def predict(options: Namespace) -> int:
    """Print predictions of the model, write all of them into `--csv`, and print its scores where there are labels.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.cli.parser import parser
    >>> from pure_mlp.cli.params import save
    >>> with TemporaryDirectory() as folder:  # doctest: +ELLIPSIS
    ...     save(Path(folder, "params.safetensors"), example())
    ...     code = predict(parser().parse_args(["predict", folder, "diabetes"]))
    <BLANKLINE>
    diabetes model on diabetes
    ...
    >>> code
    0
    """
    model = load_model(Path(options.model))
    if options.csv:
        refuse_same(Path(options.csv), [params_file(Path(options.model)), Path(options.data)])
    told = Told(options.data, model, _pieces(options, model))
    if options.csv:
        replace_file(Path(options.csv), told.lines())
    else:
        deque(told.lines(), 0)
    on_stdout = options.csv and descriptor(Path(options.csv)) == 1
    with redirect_stdout(sys.stderr) if on_stdout else nullcontext():
        _report(options, model, told)
    return 0


@attrs.define(eq=False)
class Told:
    """Makes the predictions, a piece of the data at a time, and keeps of them what the report shows."""

    name: str
    model: Model
    pieces: Iterable[tuple[Tensor, Prepared | None]]
    header: list[str] = attrs.field(factory=list)
    first: list[list[str]] = attrs.field(factory=list)
    count: int = 0
    tallies: list[Tally] = attrs.field(factory=list)

    def lines(self) -> Iterator[bytes]:
        """The lines of a CSV file: names, then a line an example."""
        for x, examples in self.pieces:
            self.header, rows = predictions(self.model, x, examples, self.count)
            yield _csv(rows if self.count else [self.header, *rows])
            self.first += rows[: SHOWN - len(self.first)]
            self.count += len(rows)
            if examples is not None:
                self.tallies.append(tally(self.model, examples))
        if not self.count:
            raise ValueError(f"{self.name}: expected rows, found none")


def _csv(rows: list[list[str]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode(errors="backslashreplace")


def _pieces(options: Namespace, model: Model) -> Iterable[tuple[Tensor, Prepared | None]]:
    """The inputs of the net, and with them what is known of the examples if they have labels."""
    setup = model.setup
    if setup.table is not None:
        table = another_table(setup, options.data, model.inputs)
        if options.part == "test":
            _refuse_other(setup, table.name)
            table = table.part("test")
        return Streamed(model, table, options.unknown_as_zeros).inputs()
    if options.unknown_as_zeros:
        raise ValueError(f"--unknown-as-zeros: the model was trained on {setup.data}, which is no table")
    if Path(options.data).suffix.lower() == ".csv":
        if options.part == "test":
            raise ValueError(f"--part test of {options.data}: a .csv file has one part")
        return [(inputs(model, options.data, read_csv(Path(options.data), setup.sizes[0])), None)]
    data = relabel(setup, load(options.data, setup.task, setup.classes))
    if options.part == "test":
        _refuse_other(setup, data.name)
        _, data = held_out(setup, data, Generator().manual_seed(setup.seed))
    examples = prepare(model, data)
    return [(examples.x, examples)]


def _refuse_other(setup: Setup, name: str) -> None:
    if name != setup.data:
        raise ValueError(f"--part test of {name}: the model was trained on {setup.data}")


def _report(options: Namespace, model: Model, told: Told) -> None:
    setup = model.setup
    table(f"{setup.data} model on {options.data}", *shown(setup, told.header, told.first))
    if options.csv:
        print()
        say(f"{told.count} predictions written to {options.csv}")
    elif told.count > SHOWN:
        print(f"... {told.count - SHOWN} more; --csv OUT writes all of them")
    if told.tallies:
        print_scores(setup, {options.part: summed(told.tallies)})
        if options.part == "all" and str(Path(options.data)) == setup.data:
            print()
            say(f"the model was trained on a part of {setup.data}; --part test takes the part that it has not seen")


def predictions(model: Model, x: Tensor, examples: Prepared | None, first: int = 0) -> tuple[list[str], list[list[str]]]:
    """Header and rows for inputs x of the net: number, prediction, one score a class for classes, and the label where there is one.

    first: the number of the first row.

    >>> import torch
    >>> from pure_mlp.cli.model import example
    >>> predictions(example(), torch.ones(2, 10), None)[0]
    ['row', 'prediction [points of disease progression]']
    """
    setup, data = model.setup, None if examples is None else examples.data
    answer = answers(model, outputs(model, x))
    if setup.task == "regression":
        header = ["row", f"prediction [{setup.unit}]" if setup.unit else "prediction"]
        rows = [[str(i), repr(value)] for i, (value,) in enumerate(answer.tolist(), first)]
        labels = [] if data is None else [repr(value) for (value,) in data.y.tolist()]
    else:
        kind = "p" if setup.loss in ("cross_entropy", "bce", "bce_with_logits") else "score"
        header = ["row", "prediction", *(f"{kind}({name})" for name in setup.classes)]
        best = answer.argmax(1).tolist()
        rows = [[str(i), setup.classes[k], *map(repr, row)] for i, (k, row) in enumerate(zip(best, answer.tolist()), first)]
        labels = [] if data is None else [setup.classes[int(k)] for k in data.y.reshape(-1).tolist()]
    if data is None:
        return header, rows
    return [*header, "label"], [[*row, label] for row, label in zip(rows, labels)]


def shown(setup: Setup, header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Header and rows as they fit a screen: values rounded, and of the scores only that of the predicted class.

    >>> from pure_mlp.cli.model import example
    >>> shown(example().setup, ["row", "prediction"], [["0", "151.23456"]])
    (['row', 'prediction'], [['0', '151.2']])
    """
    if setup.task == "regression":
        return header, [[row[0], *(f"{float(cell):.4g}" for cell in row[1:])] for row in rows]
    n = len(setup.classes)
    best = [max(map(float, row[2 : 2 + n])) for row in rows]
    return [*header[:2], header[2].split("(")[0], *header[2 + n :]], [
        [*row[:2], f"{score:.4f}", *row[2 + n :]] for row, score in zip(rows, best)
    ]
