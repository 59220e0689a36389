"""A run as others follow it: a line of JSON an epoch, or TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from pure_mlp.cli.fitting import Listener
from pure_mlp.cli.folder import EVENTS, JSONL
from pure_mlp.cli.history import Row
from pure_mlp.saving.files import replace_file

__all__ = ["LOGS", "logged", "refuse_logs"]

LOGS = {"jsonl": JSONL, "tensorboard": EVENTS}
"""The values of --log, and the names of what each writes into the folder of the run."""


def refuse_logs(names: Sequence[str], out: str | None) -> None:
    """Raises `ValueError` for a log without a folder, and for one whose package is not installed.

    >>> refuse_logs(["jsonl"], None)
    Traceback (most recent call last):
    ValueError: --log jsonl goes with --out, the folder of the run
    """
    if names and not out:
        raise ValueError(f"--log {names[0]} goes with --out, the folder of the run")
    if "tensorboard" in names:
        _writer()


@contextmanager
def logged(names: Sequence[str], folder: Path | None, header: Sequence[str], before: int) -> Generator[list[Listener]]:
    """Inside, the listeners that are yielded write the logs; none without a folder.

    Args:
        names: keys of `LOGS`.
        folder: of the run.
        header: the names of what a row holds, as `columns`.
        before: how many epochs are done. What TensorBoard has of later ones, of a run that was killed, is void.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.history import columns
    >>> header = columns("test", "rmse")
    >>> with TemporaryDirectory() as folder, logged(["jsonl"], Path(folder), header, 0) as [log]:
    ...     log([Row(1, 0.5, 0.75, 1.0, 0.25)], None)
    ...     print(Path(folder, "metrics.jsonl").read_text(), end="")
    {"epoch": 1, "train_loss": 0.5, "test_loss": 0.75, "test_rmse": 1.0, "seconds": 0.25}
    """
    if folder is None:
        yield []
        return
    with _writer()(str(folder / EVENTS), purge_step=before + 1) if "tensorboard" in names else nullcontext() as writer:
        logs = {"jsonl": partial(_lines, folder / JSONL, header), "tensorboard": partial(_scalars, writer, header)}
        yield [log for name, log in logs.items() if name in names]


def _lines(path: Path, header: Sequence[str], rows: Sequence[Row], trained: object) -> None:
    records = (dict(zip(header, attrs.astuple(row))) for row in rows)
    replace_file(path, "".join(json.dumps(record) + "\n" for record in records).encode())


def _scalars(writer: Any, header: Sequence[str], rows: Sequence[Row], trained: object) -> None:
    epoch, *values = attrs.astuple(rows[-1])
    for name, value in zip(header[1:], values):
        writer.add_scalar(name, value, epoch)
    writer.flush()


def _writer() -> Any:  # Any: tensorboard is optional
    try:
        return import_module("torch.utils.tensorboard").SummaryWriter
    except ImportError as error:
        raise ValueError("--log tensorboard needs the package tensorboard: pip install 'pure-mlp[tensorboard]'") from error
