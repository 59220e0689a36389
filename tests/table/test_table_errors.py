"""What is wrong with a table is said with its file, row and column, by whichever reader and in whichever block it stands."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pure_mlp import read_table
from pure_mlp.table import csv_file, source
from pure_mlp.table.survey import open_table

pa = pytest.importorskip("pyarrow", reason="needs the extra data")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra data")

NUMBER = "expected a decimal number that is finite in float32"
GOOD = "1,Ulm,0.5\n" * 40


def said(path: Path, content: str | bytes, **flags: object) -> str:
    path.write_bytes(content.encode(errors="surrogateescape") if isinstance(content, str) else content)
    with pytest.raises(ValueError, match=r".") as caught:
        read_table(path, "c", **flags)  # type: ignore[arg-type]  # whatever a case says
    found = str(caught.value)
    assert "\n" not in found
    return found.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("x,Ulm,1", f"row 41, column 'a': {NUMBER}, found 'x'"),
        ("1e300,Ulm,1", f"row 41, column 'a': {NUMBER}, found '1e300'"),
        ("1_000,Ulm,1", f"row 41, column 'a': {NUMBER}, found '1_000'"),
        ("0x10,Ulm,1", f"row 41, column 'a': {NUMBER}, found '0x10'"),
        ("1,Ulm,-inf", f"row 41, column 'c': {NUMBER}, found '-inf'"),
        ("\u0661,Ulm,1", f"row 41, column 'a': {NUMBER}, found '\u0661'"),
        ("1,Ulm,1\0", f"row 41, column 'c': {NUMBER}, found '1\\x00'"),
        (f"{'y' * 99},Ulm,1", f"row 41, column 'a': {NUMBER}, found '{'y' * 59}.. (101 characters)"),
        ("NA,Ulm,1", "row 41, column 'a': expected a value (--impute fills in what is missing), found none"),
        ("1,,1", "row 41, column 'b': expected a value (--impute fills in what is missing), found none"),
        ("1,Ulm,", "row 41, column 'c': expected a value to learn, found none"),
        ("1,Ulm", "row 41: expected 3 values, as the first line has names, found 2"),
        ("1,Ulm,2,3", "row 41: expected 3 values, as the first line has names, found 4"),
        ('1,"Ulm\n",1', "row 41, column 'b': expected a text in one line (a quotation mark may be missing), found 'Ulm\\n'"),
        (b"1,\xff,1", "row 41, column 'b': expected text in UTF-8, found '\\\\xff'"),
        (b"\xff,Ulm,1", "row 41, column 'a': expected text in UTF-8, found '\\\\xff'"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("cells", [2**18, 30], ids=["one block", "many blocks"])
def test_a_wrong_row_is_named(row: str | bytes, expected: str, cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "NUMBERS", cells)
    monkeypatch.setattr(csv_file, "_BLOCK", 2**18 if cells > 30 else 256)
    line = row.encode() if isinstance(row, str) else row
    assert said(tmp_path / "t.csv", b"a,b,c\n\n" + GOOD.encode() + line + b"\n" + GOOD.encode()) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "expected a line with the names of columns, found none"),
        ("a,b,a\n1,2,3\n", "columns 1 and 3 have the same name 'a'"),
        ("a,b,c\n", "expected rows, found none"),
        ("a,b\n1,2\n", "no column 'c'; there are 'a', 'b'"),
        ("c\n1\n", "expected a target and at least one other column, found none"),
        ('a,c\n1,0\n1,"2\n3,4\n', f"row 2, column 'c': {NUMBER}, found '2\\n3,4\\n'"),
        ("a,\udcff\n1,2\n", "expected a line with the names of columns, in UTF-8; found other bytes"),
        ("a,c\n1,Ulm\n2,Ulm\n", "column 'c': expected at least two different labels, found 1"),
        ("a,c\n" + "".join(f"n{i},1\n" for i in range(1200)), "column 'a': more than 1000 different texts: drop the column"),
    ],
)
def test_a_file_that_is_no_table_is_refused(content: str, expected: str, tmp_path: Path) -> None:
    assert said(tmp_path / "t.csv", content).startswith(expected)


def test_a_row_beyond_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "_BLOCK", 64)
    found = said(tmp_path / "t.csv", f'a,c\n1,2\n3,"{"4" * 500}\n')
    assert found == "a row of more than 64 bytes (a quotation mark may be missing)"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"drop": ["z"]}, "no column 'z'; there are 'a', 'b', 'c'"),
        ({"drop": ["c"]}, "expected a target and at least one other column, found a, b"),
        ({"drop": ["a", "b"]}, "expected a target and at least one other column, found none"),
        ({"task": "binary"}, "column 'c': expected two different labels, found 3"),
        ({"task": "regression", "text": ["c"]}, "column 'c': a regression takes numbers, found texts"),
    ],
)
def test_flags_that_do_not_fit_are_refused(flags: dict[str, object], expected: str, tmp_path: Path) -> None:
    assert said(tmp_path / "t.csv", "a,b,c\n1,Ulm,1\n2,Ulm,2\n3,Ulm,3\n", **flags) == expected


def test_typed_cells_are_named_as_those_of_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table({"a": [1.0] * 9 + [1e300], "b": [None] + ["Ulm"] * 9, "c": [*range(10)], "d": [b"x"] * 10})
    parquet.write_table(table, path)
    for drop, expected in {
        ("b", "d"): f"row 10, column 'a': {NUMBER}, found 1e+300",
        ("a", "d"): "row 1, column 'b': expected a value (--impute fills in what is missing), found none",
        ("a", "b"): "column 'd' holds neither numbers nor texts: drop it",
    }.items():
        with pytest.raises(ValueError, match=r".") as caught:
            read_table(path, "c", drop=drop)
        assert str(caught.value) == f"{path}: {expected}"


def reads(path: Path) -> bool:
    """Whether it is a table; refused in one line with its name else."""
    try:
        read_table(path, "c", test=0.0)
    except ValueError as error:
        if "\n" in str(error) or not str(error).startswith(f"{path}: "):
            raise
        return False
    return True


def test_parquet_files_that_are_cut_short_or_changed_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": [*range(500)], "c": [i * 0.5 for i in range(500)]}), path)
    whole, draw, refused = path.read_bytes(), random.Random(0), 0
    for i in range(60):
        place = draw.randrange(len(whole))
        path.write_bytes(whole[:place] if i % 2 else whole[:place] + bytes([draw.randrange(256)]) + whole[place + 1 :])
        refused += not reads(path)
    assert refused >= 30


def test_random_bytes_are_a_table_or_refused_in_one_line(tmp_path: Path) -> None:
    path, draw = tmp_path / "t.csv", random.Random(0)
    for _ in range(150):
        path.write_bytes(b"a,c\n" + bytes(draw.choice(b'1,,\n\n".e-x\r\0\xc3') for _ in range(draw.randrange(30))))
        reads(path)


def test_columns_that_training_did_not_have_are_refused_by_name() -> None:
    table = read_table({"a": [1, 2, 3], "b": ["x", "y", "x"], "d": [0, 0, 0], "c": [0.5, 1.5, 2.5]}, "c", drop=["d"])

    def opened(**columns: list[object]) -> list[torch.Tensor]:
        fresh = open_table(columns, table.schema, table.task, table.split, table.inputs)
        return [x for x, _ in fresh.pieces(1)]

    ones: list[object] = [1]
    assert opened(b=["y"], a=[7])[0].tolist() == opened(a=[7], d=["any"], b=["y"])[0].tolist() == [[7, 0, 1]]
    for names, expected in {
        ("a",): "dict: no column 'b'; there are 'a'",
        ("a", "b", "z"): "dict: column 'z' was not there in training; expected 'a', 'b'",
    }.items():
        with pytest.raises(ValueError, match=r".") as caught:
            opened(**dict.fromkeys(names, ones))
        assert str(caught.value) == expected
    with pytest.raises(ValueError, match=r"row 2, column 'b': expected one of the texts seen in training \(x, y\), found 'z'"):
        opened(a=[1, 1], b=["x", "z"])
    fresh = open_table({"a": [1], "b": ["z"]}, table.schema, table.task, table.split, table.inputs)
    assert [x.tolist() for x, _ in fresh.pieces(1, unknown=True)] == [[[1, 0, 0]]]


def test_a_label_that_training_did_not_have_is_refused() -> None:
    table = read_table({"a": [1, 2, 3], "c": [0, 1, 1]}, "c")
    fresh = open_table({"a": [1, 1], "c": [1, 5]}, table.schema, table.task, table.split, table.inputs)
    with pytest.raises(ValueError, match=r"dict: row 2, column 'c': expected one of the labels seen in training \(0, 1\), found 5"):
        [*fresh.pieces(1)]


@pytest.mark.parametrize("data", [7, [1, 2], {"a": [1], "c": [1, 2]}, {"a": [object()], "c": [1]}], ids=str)
def test_what_is_no_table_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"a table of class|that is no table"):
        read_table(data, "c")


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.csv").write_text("a,c\n1,2\n")
    with pytest.raises(ValueError, match=r"^tables are read by pyarrow, which is not installed: pip install 'pure-mlp\[data\]'$"):
        read_table(tmp_path / "t.csv", "c")


@pytest.mark.parametrize("form", [lambda cells: cells, lambda cells: cells.dictionary_encode()], ids=["plain", "by a dictionary"])
def test_strings_that_are_no_text_are_refused_with_their_row(form: Callable[[Any], Any]) -> None:
    """Those of a damaged Parquet file, which pyarrow does not look at."""
    cells = pa.array([None, b"red", b"\xffed"], pa.binary()).view(pa.string())
    with pytest.raises(ValueError, match=r"^Table: row 3, column 'a': expected text in UTF-8, found '\\\\xffed'$"):
        read_table(pa.table({"a": form(cells), "c": [1.0, 2.0, 3.5]}), "c", impute=True)
