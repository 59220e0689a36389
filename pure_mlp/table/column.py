"""What is known of a column, and its cells as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from pure_mlp.data.cells import meant_as_number
from pure_mlp.table.arrow import arrow
from pure_mlp.table.block import Block, Kind
from pure_mlp.table.cells import NONE, numbers, texts

__all__ = ["LEVELS", "Column", "learnt", "values"]

LEVELS = 1000
"""A column of more different texts, or of more classes, is refused."""
EMBEDDED = 10_000
"""So is one with an embedding of more."""
_VALUE = "a value (--impute fills in what is missing)"
_LABEL = "a value to learn"
_text = attrs.validators.instance_of(str)


def _levels(levels: Iterable[str]) -> tuple[str, ...]:
    return tuple(levels)


@attrs.frozen
class Column:
    """A column of a table.

    name: as in the file. kind: "number" or "text"; None while it has had no value yet. levels: the different texts, or where a
    column of numbers says classes, these numbers. missing: whether a cell of it has no value. embed: the width of the vector that
    a net learns for each text; 0 for an input of 0 or 1 a text.
    """

    name: str = attrs.field(validator=_text)
    kind: Kind | None = attrs.field(default=None, validator=attrs.validators.in_((None, "number", "text")))
    levels: tuple[str, ...] = attrs.field(default=(), converter=_levels, validator=attrs.validators.deep_iterable(_text))
    missing: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))
    embed: int = attrs.field(default=0, validator=[attrs.validators.instance_of(int), attrs.validators.ge(0)])


def learnt(column: Column, block: Block, impute: bool) -> Column:
    """The column with what a block says of it: its kind by the first cell with a value, and the texts that are new.

    With `impute`, having no value is a text as others are. Raises `ValueError` for more than `LEVELS` texts, or `EMBEDDED`, for an
    embedding of numbers, and as `texts`.

    >>> learnt(Column("city"), Block("a.csv", 1, {"city": arrow().array([b"Ulm", b"Bonn", b"Ulm"])}), False)
    Column(name='city', kind='text', levels=('Ulm', 'Bonn'), missing=False, embed=0)
    """
    if column.kind is None:
        column = attrs.evolve(column, kind=_first_kind(block, column.name))
    if column.kind == "number" and column.embed:
        place = f"{block.name}: column {column.name!r}"
        raise ValueError(f"{place}: an embedding takes texts, found numbers: --text makes texts of them")
    if column.kind != "text":
        return column
    there = dict.fromkeys(column.levels)
    found = texts(block, column.name).unique().to_pylist()
    new = [text or "" for text in found if (text is not None or impute) and (text or "") not in there]
    most, cure = (EMBEDDED, "drop the column") if column.embed else (LEVELS, "drop the column, or --embed it")
    if len(there) + len(new) > most:
        raise ValueError(f"{block.name}: column {column.name!r}: more than {most} different texts: {cure}")
    return attrs.evolve(column, levels=(*column.levels, *new)) if new else column


def _first_kind(block: Block, name: str) -> Kind | None:
    """That of the first cell of a text file that has a value; numbers where that may be meant as one, as `1e300`."""
    for cell in block.cells[name].to_pylist():
        text = cell.decode(errors="replace").strip(" \t")
        if text.lower() not in NONE:
            return "number" if meant_as_number(text) else "text"
    return None


def values(column: Column, block: Block, *, impute: bool = False, unknown: bool = False, target: bool = False) -> Tensor:
    """The cells as float64 (n,): numbers, or the places of the cells in `levels`; NaN where there is no value or an unknown one.

    Raises `ValueError`, with the row, for no value without `impute`; for a text that is not in `levels`, unless `unknown` ones may
    be there or there is an embedding; and as `numbers` and `texts`. `target`: for the message.

    >>> block = Block("a.csv", 1, {"city": arrow().array(["Ulm", "Bonn"])})
    >>> values(Column("city", "text", ("Bonn", "Ulm")), block)
    tensor([1., 0.], dtype=torch.float64)
    """
    if column.kind == "text":
        return _places(column, block, impute, unknown or column.embed > 0, _LABEL if target else _VALUE)
    found = numbers(block, column.name)
    for row in found.isnan().nonzero()[: 0 if impute else 1]:
        raise block.wrong(column.name, int(row), _LABEL if target else _VALUE, "none")
    return _classes(column, block, found) if column.levels else found


def _places(column: Column, block: Block, impute: bool, unknown: bool, expected: str) -> Tensor:
    pa, compute = arrow(), arrow("compute")
    cells = texts(block, column.name)
    cells = compute.fill_null(cells, "") if impute else cells
    if (none := compute.index(compute.is_null(cells), True).as_py()) >= 0:
        raise block.wrong(column.name, none, expected, "none")
    places = compute.index_in(cells, value_set=pa.array(column.levels, pa.string()))
    strange = compute.index(compute.is_null(places), True).as_py()
    if strange >= 0 and not unknown:
        raise block.wrong(column.name, strange, f"one of the texts seen in training ({_some(column.levels)})")
    return from_dlpack(places.cast(pa.float64()).fill_null(float("nan"))).clone()


def _classes(column: Column, block: Block, found: Tensor) -> Tensor:
    known = torch.tensor([float(level) for level in column.levels], dtype=torch.float64)
    places = (known.unsqueeze(0) < found.unsqueeze(1)).sum(1).clamp(max=len(known) - 1)
    for row in (known[places] != found).nonzero()[:1]:
        raise block.wrong(column.name, int(row), f"one of the labels seen in training ({_some(column.levels)})")
    return places.to(torch.float64)


def _some(levels: Sequence[str]) -> str:
    return ", ".join(levels[:20]) + (f", .. {len(levels)} in all" if len(levels) > 20 else "")
