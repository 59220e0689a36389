"""The first pass over a table: what its columns hold, how they are distributed, and how many rows each part has."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import attrs
import torch

from pure_mlp.data.dataset import Task
from pure_mlp.data.moments import merged, moments
from pure_mlp.data.standardize import Standardizer
from pure_mlp.record import tree_map
from pure_mlp.table.block import Kind
from pure_mlp.table.column import Column, learnt
from pure_mlp.table.csv_file import csv_source
from pure_mlp.table.frames import frame_source
from pure_mlp.table.hashing import hashes
from pure_mlp.table.parquet_file import parquet_source
from pure_mlp.table.schema import Schema, block_values, scales
from pure_mlp.table.source import Source, blocks
from pure_mlp.table.split import PARTS, Part, Split
from pure_mlp.table.table import Table
from pure_mlp.table.task import distinct, task_of

__all__ = ["counted", "is_table", "open_table", "read_table", "source_of"]

_TEXT: Kind = "text"
_READERS = {".csv": csv_source, ".csv.gz": csv_source, ".csv.zst": csv_source, ".parquet": parquet_source}


def is_table(path: str) -> bool:
    """Whether a file of that name is read as a table.

    >>> is_table("houses.CSV"), is_table("houses.csv.gz"), is_table("digits")
    (True, True, False)
    """
    return path.lower().endswith(tuple(_READERS))


def source_of(data: object) -> Source:
    """The rows at a path, or of a frame. Raises `ValueError` for what is no table, `OSError` for a file that cannot be read.

    >>> source_of("houses.csv")
    Traceback (most recent call last):
    ValueError: houses.csv: expected a .csv or .parquet file, found no such file or folder
    """
    if not isinstance(data, (str, os.PathLike)):
        return frame_source(data)
    path = Path(data)
    if not is_table(path.name) or not path.exists():
        found = "a file of another kind" if path.exists() else "no such file or folder"
        raise ValueError(f"{path}: expected a .csv or .parquet file, found {found}")
    return next(read for ending, read in _READERS.items() if path.name.lower().endswith(ending))(path)


def read_table(
    data: object,
    target: str,
    *,
    drop: Sequence[str] = (),
    text: Sequence[str] = (),
    embed: Mapping[str, int] = MappingProxyType({}),
    task: Task | None = None,
    impute: bool = False,
    test: float = 0.2,
    val: float = 0.0,
    seed: int = 0,
) -> Table:
    """A table of which a net learns one column, after one pass over it: CSV, Parquet, or a frame, of any size.

    A column of a CSV file holds what its first value is, numbers or texts, and a cell of another kind further down is refused.
    Numbers are standardised by mean and deviation of the training part; each text of a column is an input that is 0 or 1. The part
    that a row is in depends on the values of the row alone, so that it stays there when rows are added.

    Args:
        data: the path of a .csv or .parquet file; a frame of pandas or polars, a table of pyarrow, or a dict of arrays.
        target: the name of the column that is learnt.
        drop: the names of columns that are left out.
        text: the names of columns whose numbers stand for texts, such as postal codes.
        embed: columns of texts that are not one input a text but one in all, for `embed_columns`; and how wide the vectors are.
        task: "classes", "binary" or "regression"; guessed if None: texts and at most 20 different whole numbers are classes.
        impute: a missing number becomes the mean, and another input says so; a missing text is one of its own. Else a missing value
            is refused.
        test: the fraction of rows that the test part gets.
        val: the fraction of the others that the validation part gets.
        seed: what the parts are drawn by.

    Returns:
        The table.

    Raises:
        ValueError: a cell, a row or a column that is not what it should be, with the file, the row from 1, and the column; a
            target that does not fit the task; no pyarrow, which is the extra `data`.
        OSError: a file that cannot be read.

    >>> houses = {"rooms": [2, 3, 4, 5], "city": ["Ulm", "Bonn", "Ulm", "Ulm"], "price": [2.5, 3.5, 4.5, 5.5]}
    >>> table = read_table(houses, "price", test=0.0)
    >>> table.width, table.task, table.guessed
    (3, 'regression', "the numbers of column 'price'")
    >>> [x.shape for x, y in table.part("training").batches(2)]
    [torch.Size([2, 3]), torch.Size([2, 3])]
    """
    source = source_of(data)
    kinds = {**source.kinds, **dict.fromkeys(text, _TEXT)}
    _refuse_unknown(source, [target, *drop, *text, *embed])
    inputs = [name for name in source.columns if name != target and name not in drop]
    if not inputs or target in drop:
        raise ValueError(f"{source.name}: expected a target and at least one other column, found {', '.join(inputs) or 'none'}")
    for name in (*inputs, target):
        if name in kinds and kinds[name] is None:
            raise ValueError(f"{source.name}: column {name!r} holds neither numbers nor texts: drop it")
    for name, size in embed.items():
        if name not in inputs:
            raise ValueError(f"{source.name}: column {name!r} is no input: it cannot have an embedding")
        if not hasattr(size, "__index__") or size < 1:
            raise ValueError(f"{source.name}: column {name!r}: an embedding of {size} numbers, expected at least 1")
    columns = [Column(name, kinds.get(name), embed=int(embed.get(name, 0))) for name in inputs]
    schema = Schema(columns, Column(target, kinds.get(target)), tuple(drop), impute)
    return _surveyed(source, schema, Split(test, val, seed), task)


def open_table(data: object, schema: Schema, task: Task, split: Split, inputs: Standardizer) -> Table:
    """A table for a model that has been trained: columns and levels are known. Its rows are not counted yet: see `counted`.

    Raises `ValueError` for a column that is missing, unknown or of another type, by name; the target may be missing.

    >>> schema, one = Schema((Column("age", "number"),), Column("price", "number"), (), False), torch.ones(1)
    >>> open_table({"size": [1.0]}, schema, "regression", Split(0.0, 0.0, 0), Standardizer(one, one))
    Traceback (most recent call last):
    ValueError: dict: no column 'age'; there are 'size'
    """
    source = source_of(data)
    names = [column.name for column in schema.columns]
    _refuse_unknown(source, names)
    extra = [name for name in source.columns if name not in (*names, schema.target.name, *schema.dropped)]
    if extra:
        raise ValueError(f"{source.name}: column {extra[0]!r} was not there in training; expected {', '.join(map(repr, names))}")
    for column in (*schema.columns, schema.target):
        if column.kind == "number" and source.kinds.get(column.name, "number") != "number":
            raise ValueError(f"{source.name}: column {column.name!r}: expected numbers, as in training, found another type")
    none = moments(torch.zeros(0, 1))
    return Table(source.name, task, schema.target.levels, schema, split, source, inputs, none, {}, torch.zeros(1))


def _refuse_unknown(source: Source, names: Sequence[str]) -> None:
    for name in names:
        if name not in source.columns:
            raise ValueError(f"{source.name}: no column {name!r}; there are {', '.join(map(repr, source.columns))}")


def _surveyed(source: Source, schema: Schema, split: Split, task: Task | None) -> Table:
    columns = [*schema.columns, schema.target]
    seen, counts, digest = moments(torch.zeros(0, len(columns))), torch.zeros(len(PARTS)), torch.zeros(1, dtype=torch.int64)
    missing, labels = torch.zeros(len(columns)) > 0, distinct(None, torch.zeros(0))
    for block in blocks(source, [column.name for column in columns]):
        columns = [learnt(column, block, schema.impute and column is not columns[-1]) for column in columns]
        rows = block_values(attrs.evolve(schema, columns=columns[:-1], target=columns[-1]), block)
        found = hashes(columns, rows)
        places = split.places(found)
        counts, digest = counts + torch.bincount(places, minlength=len(PARTS)), digest + found.sum()
        missing, seen = missing | rows.isnan().any(0), merged(seen, moments(rows[places == 0]))
        labels = distinct(labels, rows[:, -1])
    if not counts.sum():
        raise ValueError(f"{source.name}: expected rows, found none")
    columns = [attrs.evolve(c, levels=sorted(c.levels), missing=gone) for c, gone in zip(columns, missing.tolist())]
    task, target, guessed = task_of(source.name, columns[-1], labels, task)
    schema = attrs.evolve(schema, columns=columns[:-1], target=target)
    inputs, goal = scales(schema, tree_map(lambda t: t[:-1], seen)), tree_map(lambda t: t[-1:], seen)
    sizes: dict[Part, int] = {part: int(n) for part, n in zip(PARTS, counts.tolist())}
    return Table(source.name, task, target.levels, schema, split, source, inputs, goal, sizes, digest, guessed)


def counted(table: Table) -> Table:
    """The table with its counts, after a pass over it in which every cell is checked. Raises `ValueError` without the target.

    >>> counted(read_table({"a": [1, 2, 3], "b": [1.5, 2.5, 3.5]}, "b")).size
    3
    """
    if not table.labelled:
        raise ValueError(f"{table.name}: no column {table.schema.target.name!r}, which is learnt")
    size, digest = 0, torch.zeros(1, dtype=torch.int64)
    for columns, rows in table.values():
        size, digest = size + len(rows), digest + hashes(columns, rows).sum()
    if not size:
        raise ValueError(f"{table.name}: expected rows, found none")
    return attrs.evolve(table, counts={"all": size}, digest=digest)
