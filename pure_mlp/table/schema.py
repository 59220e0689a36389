"""What the columns of a table are to a net: which go in, how, and which is learnt."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import torch
from torch import Tensor

from pure_mlp.data.dataset import Task
from pure_mlp.data.moments import Moments
from pure_mlp.data.standardize import Standardizer, standardizer_of
from pure_mlp.table.block import Block
from pure_mlp.table.column import Column, values

__all__ = ["Schema", "block_values", "embedded", "encoded", "labels", "scales", "schema_from", "width"]

_NAMED = 20
"""How many columns are printed."""


def _columns(columns: Iterable[Column]) -> tuple[Column, ...]:
    return tuple(columns)


@attrs.frozen
class Schema:
    """columns: what goes in. target: what is learnt. dropped: the names of what is left out. impute: fill in what is missing."""

    columns: tuple[Column, ...] = attrs.field(converter=_columns)
    target: Column
    dropped: tuple[str, ...]
    impute: bool

    def __str__(self) -> str:
        names = [f"{c.name} ({_texts(c)})" if c.kind == "text" else c.name for c in self.columns]
        more = f", .. {len(names)} in all" if len(names) > _NAMED else ""
        return f"{', '.join(names[:_NAMED])}{more} -> {self.target.name}"


def _texts(column: Column) -> str:
    return f"{len(column.levels)} texts" + (f" as {column.embed} numbers" if column.embed else "")


def schema_from(found: object) -> Schema | None:
    """The schema in what JSON made of one; itself, and None. Raises `ValueError` or `TypeError` for anything else.

    >>> schema = Schema((Column("age", "number"),), Column("price", "number"), (), False)
    >>> schema_from(attrs.asdict(schema)) == schema
    True
    """
    if found is None or isinstance(found, Schema):
        return found
    if not isinstance(found, dict) or found.keys() != {"columns", "target", "dropped", "impute"}:
        raise ValueError("a schema of a table that is none")
    columns = [Column(**column) for column in found["columns"]]
    return Schema(columns, Column(**found["target"]), tuple(map(str, found["dropped"])), bool(found["impute"]))


def _inputs(schema: Schema) -> list[tuple[int, Column, int]]:
    """The place of each column in a table, the column, and its width in x, in the order of x: those with embeddings are last."""
    order = sorted(enumerate(schema.columns), key=lambda placed: placed[1].embed > 0)
    return [(place, column, _size(column, schema.impute)) for place, column in order]


def _size(column: Column, impute: bool) -> int:
    if column.embed:
        return 1
    return len(column.levels) if column.kind == "text" else 1 + (column.missing and impute)


def embedded(schema: Schema) -> tuple[tuple[int, int], ...]:
    """Of each embedding, in the order of x, how many rows its table has and how wide they are: the last one is of other texts.

    >>> embedded(Schema((Column("city", "text", ("Bonn", "Ulm"), embed=4), Column("age", "number")), Column("price"), (), False))
    ((3, 4),)
    """
    return tuple((len(column.levels) + 1, column.embed) for column in schema.columns if column.embed)


def width(schema: Schema) -> int:
    """The width of x: 1 for numbers, 2 where some are missing and imputed, 1 for each text of a column, 1 for an embedding.

    >>> width(Schema((Column("age", "number"), Column("city", "text", ("Bonn", "Ulm"))), Column("price", "number"), (), False))
    3
    """
    return sum(size for _, _, size in _inputs(schema))


def block_values(schema: Schema, block: Block, *, unknown: bool = False) -> Tensor:
    """A block as float64 (n, columns), with one more column for the target if the block has it. Raises as `values`.

    unknown: texts that training has not seen may be there.

    >>> from pure_mlp.table.arrow import arrow
    >>> schema = Schema((Column("age", "number"),), Column("price", "number"), (), False)
    >>> block_values(schema, Block("a.csv", 1, {"age": arrow().array([b"7"]), "price": arrow().array([b"1e3"])}))
    tensor([[   7., 1000.]], dtype=torch.float64)
    """
    found = [values(column, block, impute=schema.impute, unknown=unknown) for column in schema.columns]
    if schema.target.name in block.cells:
        found.append(values(schema.target, block, target=True))
    return torch.stack(found, 1)


def encoded(schema: Schema, rows: Tensor, means: Tensor) -> Tensor:
    """x (n, width) float64 of rows (n, columns ..): numbers as they are, texts as one 1 among zeros, all zeros for an unknown one.

    A missing number becomes that of `means` (width,); where training had missing ones too, a 1 after it says so, else a 0. Texts
    with an embedding become their places, in the last columns; an unknown one the place after them.

    >>> schema = Schema((Column("age", "number", missing=True), Column("city", "text", ("Bonn", "Ulm"))), Column("p"), (), True)
    >>> encoded(schema, torch.tensor([[7, 1], [torch.nan, 0]]), torch.tensor([9.0, 0, 0, 0], dtype=torch.float64))
    tensor([[7., 0., 0., 1.],
            [9., 1., 1., 0.]], dtype=torch.float64)
    """
    pieces = []
    for place, column, size in _inputs(schema):
        found = rows[:, place]
        if column.embed:
            pieces.append(found.nan_to_num(len(column.levels)).unsqueeze(1))
        elif column.kind == "text":
            pieces.append(found.unsqueeze(1) == torch.arange(size))
        else:
            pieces.append(torch.stack((found, found.isnan())[:size], 1))
    x = torch.cat([piece.to(torch.float64) for piece in pieces], 1)
    return torch.where(x.isnan(), means, x)


def scales(schema: Schema, found: Moments) -> Standardizer:
    """What standardises `encoded`, by the moments of the columns (columns,): texts and what says "missing" stay as they are.

    In float64, so that numbers with a large mean, such as times, keep what tells them apart.

    >>> from pure_mlp.data.moments import moments
    >>> schema = Schema((Column("age", "number"), Column("city", "text", ("Bonn", "Ulm"))), Column("p"), (), True)
    >>> scales(schema, moments(torch.tensor([[7.0, 0.0], [9.0, 1.0]])))
    Standardizer(mean=tensor([8., 0., 0.], dtype=torch.float64), std=tensor([1., 1., 1.], dtype=torch.float64))
    """
    numbers = standardizer_of(found, torch.float64)
    mean, std = torch.zeros(width(schema), dtype=torch.float64), torch.ones(width(schema), dtype=torch.float64)
    start = 0
    for place, column, size in _inputs(schema):
        if column.kind != "text":
            mean[start], std[start] = numbers.mean[place], numbers.std[place]
        start += size
    return Standardizer(mean, std)


def labels(task: Task, found: Tensor) -> Tensor:
    """y of the values of a target (n,): (n,) int64 for classes, else (n, 1) float32.

    >>> labels("classes", torch.tensor([1.0, 0.0]))
    tensor([1, 0])
    """
    return found.to(torch.int64) if task == "classes" else found.to(torch.float32).unsqueeze(1)
