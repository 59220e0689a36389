"""The epochs of a run, as metrics.csv, metrics.json and curves.png."""

from __future__ import annotations

import csv
import json
import platform
import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path

import attrs
import torch

from pure_mlp._compile.program import Engine
from pure_mlp.cli.printing import printable
from pure_mlp.cli.scores import Scores
from pure_mlp.cli.setup import Setup
from pure_mlp.cli.version import version
from pure_mlp.installed import has
from pure_mlp.saving.files import replace_file


@attrs.frozen
class Row:
    """One epoch: number, mean training loss, loss and metric of the part that is watched, seconds that it took."""

    epoch: int
    train_loss: float
    loss: float
    metric: float
    seconds: float


def columns(part: str, metric: str) -> list[str]:
    """The header of metrics.csv, where `part` is watched: "validation" if there is such a part, else "test".

    >>> columns("test", "rmse")
    ['epoch', 'train_loss', 'test_loss', 'test_rmse', 'seconds']
    """
    return ["epoch", "train_loss", f"{part}_loss", f"{part}_{metric}", "seconds"]


def write_csv(path: Path, part: str, metric: str, rows: Sequence[Row]) -> None:
    """One line an epoch under `columns`; every number can be read back to the bit.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_csv(Path(folder, "metrics.csv"), "test", "accuracy", [Row(1, 0.5, 0.75, 1.0, 0.25)])
    ...     print(Path(folder, "metrics.csv").read_text())
    epoch,train_loss,test_loss,test_accuracy,seconds
    1,0.5,0.75,1.0,0.25
    """
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns(part, metric), *map(attrs.astuple, rows)])
    replace_file(path, text.getvalue().encode(errors="backslashreplace"))


def write_json(path: Path, setup: Setup, epoch: int, engine: Engine, compile_seconds: float, scores: Mapping[str, Scores]) -> None:
    """The setup, the epoch whose params were saved, what ran it, their scores on each part, and the versions of what computed them.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> with TemporaryDirectory() as folder:
    ...     write_json(Path(folder, "metrics.json"), example().setup, 1, "plan", 0.0, {})
    ...     [*json.loads(Path(folder, "metrics.json").read_text())]
    ['setup', 'epoch', 'engine', 'compile_seconds', 'metrics', 'versions']
    """
    content = {
        "setup": attrs.asdict(setup),
        "epoch": epoch,
        "engine": engine,
        "compile_seconds": compile_seconds,
        "metrics": {part: attrs.asdict(s, filter=lambda _, value: value is not None) for part, s in scores.items()},
        "versions": {"pure-mlp": version(), "torch": torch.__version__, "python": platform.python_version()},
    }
    replace_file(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def draw_curves(path: Path, setup: Setup, part: str, rows: Sequence[Row]) -> bool:
    """Losses and metric over the epochs as a PNG; False, and nothing written, without matplotlib.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> with TemporaryDirectory() as folder:
    ...     drawn = draw_curves(Path(folder, "curves.png"), example().setup, "test", [Row(1, 0.5, 0.75, 1.0, 0.25)])
    ...     drawn == Path(folder, "curves.png").exists()
    True
    """
    if not has("matplotlib"):
        return False
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs, marker = [row.epoch for row in rows], "o" if len(rows) < 3 else None
    left.plot(epochs, [row.train_loss for row in rows], label="training (mean over the epoch)", marker=marker)
    left.plot(epochs, [row.loss for row in rows], label=f"{part} (after the epoch)", marker=marker)
    left.set_yscale("log")
    left.set_ylabel(f"loss: {setup.loss} " + ("of scaled labels [1]" if setup.task == "regression" else _unit(setup.loss)))
    percent = setup.task != "regression"
    values = [100 * row.metric if percent else row.metric for row in rows]
    right.plot(epochs, values, label=part, color="tab:orange", marker=marker)
    right.set_ylabel("accuracy [%]" if percent else f"RMSE [{setup.unit or 'unit of the labels'}]")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if part == "validation":
            axes.axvline(min(rows, key=lambda row: row.loss).epoch, color="gray", linestyle=":", label="kept epoch")
        axes.legend()
    widths = "-".join(map(str, setup.sizes))
    title = f"{setup.data}: {widths}, f {setup.f}, g {setup.g}, {setup.optimizer} {setup.lr:g}, batch {setup.batch}"
    figure.suptitle(printable(title), parse_math=False)
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that the font lacks
        figure.savefig(buffer, format="png")
    replace_file(path, buffer.getvalue())
    return True


def _unit(loss: str) -> str:
    return "[1]" if loss in ("mse", "squared_norm") else "[nat]"
