"""Text files of numbers: what is a number is one, what is none is named by line and column."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pure_mlp.data.cells import is_header, number
from pure_mlp.data.text import read_csv

NOT_NUMBERS = [
    *("1e300", "-1e300", "3.4028236e38", "1_000", "nan", "NaN", "inf", "-Infinity", "\u0661", "\uff11", "0x1p3", "0x10", "1e"),
    *("1 2", "1,5", "", " ", "abc", "\u00a01", "--1", "1d3", "True", "\x1b[31m1"),
]


def put(folder: Path, text: str | bytes) -> Path:
    path = folder / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def message(path: Path, columns: int = 2) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        read_csv(path, columns)
    return str(caught.value)


@pytest.mark.parametrize("cell", NOT_NUMBERS, ids=repr)
@pytest.mark.parametrize("head", ["a,b\n", "", "1,2\n"], ids=repr)
def test_a_cell_that_is_no_number_is_named_by_line_and_column(cell: str, head: str, tmp_path: Path) -> None:
    path = put(tmp_path, f'{head}3,"{cell}"\n')
    line = 2 if head else 1
    expected = f"{path}: line {line}, column 2: expected a decimal number that is finite in float32, found {cell!r}"
    assert message(path) == expected


@pytest.mark.parametrize("first", ["nan,inf", "1_000,2_000", "1e300,1e300", "\u0661,\u0662", "0x10,0x20", "a,7"])
def test_a_first_line_that_may_be_numbers_is_no_header(first: str, tmp_path: Path) -> None:
    assert "line 1, column" in message(put(tmp_path, f"{first}\n1,2\n"))


@settings(deadline=None)
@given(st.text(), st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_float32_is_read_to_the_bit_and_nothing_else_is_finite(text: str, value: float) -> None:
    assert number(repr(value)) == value
    got = number(text)
    assert got is None or (text.isascii() and float(text) == got and torch.tensor(got).isfinite())


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n",
        "1,2\r\n3,4\r\n",
        "1,2\r3,4",
        "\ufeff1,2\n3,4\n",
        "\ufeffa,b\n1,2\n3,4",
        '"a, really","b\n"\n1,2\n3,4\n',
        '"1","2"\n\n3, 4 \n',
        " 1,\t2\n+3,4.\n",
        "1e0,.2e1\n30E-1,4\n",
        "\u00e4,\u6f22\n1,2\n3,4\n",
    ],
)
def test_every_way_to_write_a_table(text: str, tmp_path: Path) -> None:
    assert read_csv(put(tmp_path, text), 2).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2\n3\n", "line 2: expected 2 values, as the model takes, found 1"),
        ("1,2\n3,4,5\n", "line 2: expected 2 values, as the model takes, found 3"),
        ('"a\nb",c\n1,2\n3\n', "line 4: expected 2 values, as the model takes, found 1"),
        ("a,a\n1,2\n", "line 1, column 2: the name 'a' again, column 1 has it"),
        ("1,2\n3,\0\n", "line 2: expected a .csv file in UTF-8, found a NUL byte"),
        ("", "expected rows of numbers, found none"),
        ("a,b\n", "expected rows of numbers, found none"),
    ],
)
def test_a_table_that_is_none_is_named(text: str, expected: str, tmp_path: Path) -> None:
    path = put(tmp_path, text)
    assert message(path) == f"{path}: {expected}"


@pytest.mark.parametrize("content", [b"1,2\n\xff,3\n", "1,2\n".encode("utf-16"), b'1,"2\n3,4\n', b'1,"2"x\n', b"\x89PNG\r\n\x1a\n"])
def test_bytes_that_are_no_text_are_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    path = put(tmp_path, content)
    found = message(path)
    assert found.startswith(f"{path}: ")
    assert "\n" not in found


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            assert read_csv(put(Path(folder), content), 1).isfinite().all()
        except ValueError as error:
            if "a.csv: " not in str(error):
                raise


def test_headers() -> None:
    assert is_header(["", "age"])  # as pandas writes an index
    assert is_header(["1st", "2nd"])
    assert not is_header(["", "NA"])
