"""The forms in which a table may come: packed, of other programs and systems, of other types; each is read or refused by name."""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import torch

from pure_mlp import Table, read_table
from pure_mlp.__main__ import main
from pure_mlp.table import source
from pure_mlp.table.survey import open_table

pa = pytest.importorskip("pyarrow", reason="needs the extra data")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra data")

PLAIN = "age,city,price\n" + "".join(f"{i % 9},{('Ulm', 'Bonn')[i % 2]},{i / 4}\n" for i in range(60))


def zstd(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, "zstd", asbytes=True)
    return packed


def values(table: Table) -> torch.Tensor:
    return torch.cat([torch.cat((x, y), 1) for x, y in table.pieces(1)])


FORMS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "a byte order mark": ("t.csv", lambda text: b"\xef\xbb\xbf" + text.encode()),
    "ends of lines of Windows": ("t.csv", lambda text: text.replace("\n", "\r\n").encode()),
    "ends of lines of old Macs": ("t.csv", lambda text: text.replace("\n", "\r").encode()),
    "no end of the last line": ("t.csv", lambda text: text[:-1].encode()),
    "empty lines": ("t.csv", lambda text: ("\n" + text.replace("\n", "\n\n")).encode()),
    "quotation marks": ("t.csv", lambda text: text.replace("Ulm", '"Ulm"').replace("age", '"age"').encode()),
    "spaces and tabs around numbers": ("t.csv", lambda text: text.replace("8,", " 8\t,").encode()),
    "numbers as others write them": ("t.csv", lambda text: text.replace("8,", "+.8e1,").encode()),
    "gzip": ("t.csv.gz", lambda text: gzip.compress(text.encode())),
    "gzip in two parts": ("t.CSV.GZ", lambda text: gzip.compress(text[:99].encode()) + gzip.compress(text[99:].encode())),
    "zstandard with a byte order mark": ("t.csv.zst", lambda text: zstd(b"\xef\xbb\xbf" + text.encode())),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_the_same_in_every_form(form: str, tmp_path: Path) -> None:
    name, write = FORMS[form]
    (tmp_path / "plain.csv").write_text(PLAIN)
    (tmp_path / name).write_bytes(write(PLAIN))
    plain, table = (read_table(tmp_path / path, "price", test=0.0) for path in ("plain.csv", name))
    assert (table.schema, table.counts) == (plain.schema, plain.counts)
    assert table.digest.equal(plain.digest)
    assert values(table).equal(values(plain))


PACKED = gzip.compress(PLAIN.encode())
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "semicolons": ("t.csv", b"age;price\n1;2\n", "expected names with commas between them, found 'age;price'"),
    "tabs": ("t.csv", b"age\tprice\n1\t2\n", "expected names with commas between them, found 'age\\tprice'"),
    "Latin-1 in a name": ("t.csv", "stra\xdfe,price\n1,2\n".encode("latin-1"), "expected a line with the names of columns, in UTF"),
    "Latin-1 in a cell": (
        "t.csv",
        "city,price\nUlm,1\nK\xf6ln,2\n".encode("latin-1"),
        "row 2, column 'city': expected text in UTF-8, found",
    ),
    "UTF-16": ("t.csv", PLAIN.encode("utf-16"), "expected a line with the names of columns, in UTF-8"),
    "a name twice after a byte order mark": ("t.csv", b"\xef\xbb\xbfa,a\n1,2\n", "columns 1 and 2 have the same name 'a'"),
    "UTF-16 without a mark": (
        "t.csv",
        PLAIN.encode("utf-16-be"),
        "expected a line with the names of columns, in UTF-8; found other",
    ),
    "names alone, without an end": ("t.csv", b"age,price", "expected rows, found none"),
    "more than float32 in the first row": ("t.csv", b"age,price\n1e39,2\n1,3\n", "row 1, column 'age': expected a decimal number"),
    "infinity in the first row": ("t.csv", b"age,price\n-inf,2\n1,3\n", "row 1, column 'age': expected a decimal number"),
    "an underscore in the first row": ("t.csv", b"age,price\n1_000,2\n1,3\n", "row 1, column 'age': expected a decimal number"),
    "one row": ("t.csv", b"age,price\n1,2\n", "column 'price': expected at least two different labels, found 1"),
    "a date among numbers": ("t.csv", b"age,price\n1,2\n2024-01-31,3\n", "row 2, column 'age': expected a decimal number"),
    "a word among numbers": ("t.csv", b"age,price\n1,2\nTrue,3\n", "row 2, column 'age': expected a decimal number"),
    "a comma in a number": ("t.csv", b'age,price\n1,2\n"1,5",3\n', "row 2, column 'age': expected a decimal number"),
    "infinity": ("t.csv", b"age,price\n1,2\nInfinity,3\n", "row 2, column 'age': expected a decimal number"),
    "no number": ("t.csv", b"age,price\n1,2\nNaN,3\n", "row 2, column 'age': expected a value (--impute fills in what is missing)"),
    "400 digits": ("t.csv", b"age,price\n1,2\n" + b"7" * 400 + b",3\n", "row 2, column 'age': expected a decimal number"),
    "labels beyond 2^53": (
        "t.csv",
        b"age,price\n1,9007199254740992\n2,9007199254740993\n",
        "column 'price': labels of 2^53 or more are not told apart as numbers: --text takes them for texts",
    ),
    "no gzip": ("t.csv.gz", PLAIN.encode(), "expected a .csv file ("),
    "no zstandard": ("t.csv.zst", PLAIN.encode(), "expected a .csv file ("),
    "half of a gzip file": ("t.csv.gz", PACKED[: len(PACKED) // 2], "expected a .csv file ("),
    "a changed gzip file": ("t.csv.gz", PACKED[:60] + b"\0\0\0" + PACKED[63:], "expected a .csv file ("),
    "nothing, as gzip": ("t.csv.gz", gzip.compress(b""), "expected a line with the names of columns, found none"),
    "names alone, as gzip": ("t.csv.gz", gzip.compress(b"age,price\n"), "expected rows, found none"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_other_forms_are_refused_in_a_line(form: str, tmp_path: Path) -> None:
    name, content, expected = REFUSED[form]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r".") as caught:
        read_table(tmp_path / name, "price", test=0.0)
    assert str(caught.value).startswith(f"{tmp_path / name}: {expected}")
    assert "\n" not in str(caught.value)


def test_numbers_of_any_type_are_numbers() -> None:
    whole = [3, 1, 2, None]
    columns = {
        "category": pa.array(whole).dictionary_encode(),
        "half": pa.array(whole, pa.float32()).cast(pa.float16()),
        "decimal": pa.array([None if n is None else Decimal(n) for n in whole]),
        "unsigned": pa.array(whole, pa.uint64()),
        "none": pa.nulls(4),
        "large": pa.array([2**63 - 1, 2**53 + 1, 0, None]),
        "flag": pa.array([True, False, True, None]),
        "target": pa.array([0.5, 1.5, 2.5, 3.5]),
    }
    table = read_table(columns, "target", impute=True, test=0.0)
    rows = torch.cat([rows for _, rows in table.values()]).nan_to_num(-1)
    assert rows[:, :4].tolist() == [[n] * 4 for n in (3, 1, 2, -1)]
    assert rows[:, 4:7].tolist() == [[-1, 2.0**63, 1], [-1, 2.0**53, 0], [-1, 0, 1], [-1, -1, -1]]


def test_texts_of_any_type_are_texts() -> None:
    texts = ["Ulm", "Bonn", "Ulm", "Bonn"]
    kinds = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
    columns = {f"t{i}": pa.array(texts).cast(kind) for i, kind in enumerate(kinds)}
    table = read_table({**columns, "target": [0.5, 1.5, 2.5, 3.5]}, "target", test=0.0)
    assert table.schema.columns[0].levels == ("Bonn", "Ulm")
    assert torch.cat([rows for _, rows in table.values()])[:, :4].tolist() == [[i] * 4 for i in (1, 0, 1, 0)]


@pytest.mark.parametrize("cells", [["7", "8"], [datetime.date(2024, 1, 31)] * 2, [b"7", b"8"]], ids=["texts", "dates", "bytes"])
@pytest.mark.parametrize("column", ["age", "price"])
def test_a_column_of_another_type_than_in_training_is_refused(column: str, cells: list[object]) -> None:
    numbers = {"age": [1, 2], "price": [0.5, 1.5]}
    table = read_table(numbers, "price", test=0.0)
    with pytest.raises(ValueError, match=f"^dict: column '{column}': expected numbers, as in training, found another type$"):
        open_table({**numbers, column: cells}, table.schema, table.task, table.split, table.inputs)


@pytest.mark.parametrize("cells", [2**18, 9])
def test_shares_are_the_rows_once_each_and_name_a_wrong_one(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "NUMBERS", cells)
    columns = {"a": [*range(25)], "c": [i / 4 for i in range(25)]}
    table = read_table(columns, "c", test=0.3)
    for of in (1, 2, 3, 30):
        shares = [torch.cat([x[:0] for x, _ in table.pieces(1)] + [y for _, y in table.shares(of).share(i, of)]) for i in range(of)]
        assert torch.cat(shares).sort(0).values.equal(torch.cat([y for _, y in table.batches(9)]).sort(0).values)
    wrong = open_table({"a": [*range(19), 1e300, 1], "c": [0.0] * 21}, table.schema, table.task, table.split, table.inputs)
    with pytest.raises(ValueError, match="dict: row 20, column 'a': expected a decimal number"):
        [*wrong.shares(3).share(1, 3)]


def test_a_packed_file_trains_and_predicts_as_the_file_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pure_mlp.cli.train.draw_curves", lambda *_: False)
    contents = {"t.csv": PLAIN.encode(), "t.csv.gz": PACKED, "broken.csv.gz": PACKED[:100], "semi.csv": b"a;b\n1;2\n"}
    for name, content in contents.items():
        Path(name).write_bytes(content)
    for name in ("t.csv", "t.csv.gz"):
        assert main(["train", name, "--target", "price", "--hidden", "3", "--epochs", "1", "--out", f"of_{name}"]) == 0
        assert main(["predict", f"of_{name}", name, "--part", "test", "--csv", f"of_{name}.txt"]) == 0
    assert Path("of_t.csv.txt").read_bytes() == Path("of_t.csv.gz.txt").read_bytes()
    capsys.readouterr()
    before = sorted(tmp_path.rglob("*"))
    for name in ("broken.csv.gz", "semi.csv"):
        for command in (["train", name, "--target", "price", "--out", "new"], ["predict", "of_t.csv", name, "--csv", "new.csv"]):
            assert main(command) == 2
            said = capsys.readouterr()
            assert (said.out, said.err.count("\n")) == ("", 1)
            assert said.err.startswith(f"pure-mlp {command[0]}: {name}: expected ")
    assert sorted(tmp_path.rglob("*")) == before
