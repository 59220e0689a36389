"""From the cells of a column to numbers: those of a text file by the rule of `data.cells`, those of a typed table by their type."""

from __future__ import annotations

from typing import Any

import attrs
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from pure_mlp.data.cells import MISSING, OVERFLOW, number
from pure_mlp.table.arrow import arrow
from pure_mlp.table.block import Block, Kind

__all__ = ["NONE", "is_raw", "kind_of_type", "numbers", "texts"]

NONE = (*MISSING, "nan", "+nan", "-nan")
"""What stands for no number in a text file, in lower case."""
_EXPECTED = "a decimal number that is finite in float32"


def is_raw(cells: Any) -> bool:  # Any: an array of pyarrow
    """Whether the cells are bytes of a text file, whose kind is not known.

    >>> is_raw(arrow().array([b"7"])), is_raw(arrow().array([7]))
    (True, False)
    """
    return bool(arrow("types").is_binary(cells.type))


def kind_of_type(kind: Any) -> Kind | None:  # Any: a type of pyarrow
    """What a column of that type of pyarrow holds, None for what is neither numbers nor text.

    >>> [kind_of_type(t) for t in (arrow().int8(), arrow().bool_(), arrow().string(), arrow().timestamp("s"))]
    ['number', 'number', 'text', None]
    """
    types = arrow("types")
    kind = kind.value_type if types.is_dictionary(kind) else kind
    if any(holds(kind) for holds in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)):
        return "number"
    return "text" if any(holds(kind) for holds in (types.is_string, types.is_large_string, types.is_string_view)) else None


def texts(block: Block, column: str) -> Any:  # Any: an array of pyarrow
    """The cells as strings of pyarrow, null where there is none: the empty cell of a text file.

    Raises `ValueError` for bytes that are not UTF-8, and for a text of several lines, which is what a lost quotation mark makes.

    >>> texts(Block("a.csv", 1, {"city": arrow().array([b"Bonn", b""])}), "city").to_pylist()
    ['Bonn', None]
    """
    compute = arrow("compute")
    cells = _strings(block, column)
    if is_raw(block.cells[column]):
        cells = compute.if_else(compute.equal(cells, ""), None, cells)
    lines = compute.index(compute.match_substring(cells, "\n"), True).as_py()
    if lines >= 0:
        raise block.wrong(column, lines, "a text in one line (a quotation mark may be missing)")
    return cells


def numbers(block: Block, column: str) -> Tensor:
    """The cells as float64 (n,), NaN where there is none: a null, a NaN, or one of `NONE` in a text file.

    Raises `ValueError` for a cell that is no decimal number finite in float32.

    >>> numbers(Block("a.csv", 1, {"age": arrow().array([b"7", b"NA"])}), "age")
    tensor([7., nan], dtype=torch.float64)
    """
    pa = arrow()
    cells = block.cells[column]
    if is_raw(cells):
        cells = _strings(block, column)
        try:
            values = cells.cast(pa.float64())
        except pa.ArrowInvalid:
            values = _some_missing(block, column, cells)
    else:
        values = cells.cast(pa.float64(), safe=False)
    found = from_dlpack(values.fill_null(float("nan"))).clone()
    for row in (found.abs() >= OVERFLOW).nonzero()[:1]:
        raise block.wrong(column, int(row), _EXPECTED)
    return found


def _strings(block: Block, column: str) -> Any:
    pa, cells = arrow(), block.cells[column]
    try:
        strings = cells.cast(pa.string())
        strings.validate(full=not is_raw(cells))  # the strings of a damaged Parquet file are any bytes
        return strings
    except pa.ArrowInvalid:
        bare = cells if is_raw(cells) else cells.cast(pa.string()).cast(pa.binary())
        for i, cell in enumerate(bare.to_pylist()):
            try:
                (cell or b"").decode()
            except UnicodeDecodeError:
                raise attrs.evolve(block, cells={column: bare}).wrong(column, i, "text in UTF-8") from None
        raise


def _some_missing(block: Block, column: str, cells: Any) -> Any:
    pa, compute = arrow(), arrow("compute")
    bare = compute.ascii_trim(cells, " \t")
    gone = compute.is_in(compute.ascii_lower(bare), value_set=pa.array(NONE))
    try:
        return compute.if_else(gone, None, bare).cast(pa.float64())
    except pa.ArrowInvalid:
        for i, (cell, none) in enumerate(zip(cells.to_pylist(), gone.to_pylist())):
            if not none and number(cell) is None:
                raise block.wrong(column, i, _EXPECTED) from None
        raise
