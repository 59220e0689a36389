"""What a table says of its cells, rows and parts is the same from every format and in every order, and what Python reads there."""

from __future__ import annotations

import csv
import statistics
import struct
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from pure_mlp import Table, adam, fit, mlp, mse, read_table, training_step, tree_leaves
from pure_mlp.data.cells import number
from pure_mlp.table import source
from pure_mlp.table import table as table_module
from pure_mlp.table.block import Block
from pure_mlp.table.cells import NONE, numbers
from pure_mlp.table.column import Column
from pure_mlp.table.hashing import fractions, hashes

pa = pytest.importorskip("pyarrow", reason="needs the extra data")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra data")

CITIES = ("Ulm", "Bonn", "Köln")
ROWS = [(i % 7, CITIES[i * 7 // 5 % 3], None if i % 11 == 0 else i / 8, 100.0 + 3 * (i % 7) + i / 8) for i in range(200)]
NAMES = ("rooms", "city", "area", "price")
COLUMNS = {name: [row[i] for row in ROWS] for i, name in enumerate(NAMES)}


def write(path: Path, rows: Sequence[Sequence[object]] = ROWS, names: Sequence[str] = NAMES) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def rows_of(table: Table) -> Tensor:
    return torch.cat([torch.cat((x, y), 1) for x, y in table.pieces(1)])


def as_csv(folder: Path) -> object:
    return write(folder / "a.CSV")


def as_parquet(folder: Path) -> object:
    parquet.write_table(pa.table(COLUMNS), folder / "a.parquet", row_group_size=30)
    return str(folder / "a.parquet")


def as_pandas(folder: Path) -> object:
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


def as_polars(folder: Path) -> object:
    return pytest.importorskip("polars").DataFrame(COLUMNS)


def as_arrays(folder: Path) -> object:
    np = pytest.importorskip("numpy", reason="arrays are numpy's")
    return {name: np.array([torch.nan if cell is None else cell for cell in cells]) for name, cells in COLUMNS.items()}


def as_categories(folder: Path) -> object:
    table = pa.table(COLUMNS)
    return table.set_column(1, "city", table["city"].dictionary_encode()).set_column(0, "rooms", table["rooms"].cast(pa.int8()))


FORMS = [as_csv, as_parquet, as_pandas, as_polars, as_arrays, as_categories]


@pytest.mark.parametrize("form", FORMS)
def test_every_format_gives_the_same_table(form: Callable[[Path], object], tmp_path: Path) -> None:
    want = read_table(COLUMNS, "price", impute=True, val=0.3, seed=3)
    table = read_table(form(tmp_path), "price", impute=True, val=0.3, seed=3)
    assert (table.schema, table.counts, table.task) == (want.schema, want.counts, want.task)
    assert table.digest.equal(want.digest)
    assert table.inputs.std.equal(want.inputs.std)
    for part in ("training", "validation", "test"):
        assert rows_of(table.part(part)).equal(rows_of(want.part(part)))


def test_the_table_is_what_pythons_reader_says(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.csv"), "price", impute=True, test=0.0)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        read = [*csv.DictReader(file)]
    areas = [float(row["area"]) for row in read if row["area"]]
    assert table.inputs.mean[4].item() == pytest.approx(statistics.fmean(areas), rel=1e-6)
    assert table.inputs.std[4].item() == pytest.approx(statistics.pstdev(areas), rel=1e-6)
    for got, row in zip(rows_of(table).tolist(), read, strict=True):
        city = [float(row["city"] == name) for name in ("Bonn", "Köln", "Ulm")]
        area = [float(row["area"]), 0.0] if row["area"] else [table.inputs.mean[4].item(), 1.0]
        assert got == [float(row["rooms"]), *city, *area, float(row["price"])]


def test_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    want = read_table(COLUMNS, "price", impute=True)
    monkeypatch.setattr(source, "NUMBERS", 12)
    table = read_table(write(tmp_path / "a.csv"), "price", impute=True)
    assert (table.schema, table.counts) == (want.schema, want.counts)
    assert table.inputs.mean.tolist() == pytest.approx(want.inputs.mean.tolist(), rel=1e-6)
    assert torch.cat([y for _, y in table.pieces(1)]).equal(torch.cat([y for _, y in want.pieces(1)]))


def test_rows_stay_in_their_parts_when_others_are_added_and_whatever_the_order() -> None:
    def parts(rows: Sequence[Sequence[object]]) -> dict[str, set[float]]:
        columns = {name: [row[i] for row in rows] for i, name in enumerate(NAMES)}
        table = read_table(dict(reversed(columns.items())), "price", impute=True, val=0.2, seed=1)
        return {part: {y.item() for _, ys in table.part(part).pieces(1) for y in ys} for part in ("training", "validation", "test")}

    before, after = parts(ROWS[:150]), parts(ROWS[::-1])
    assert all(before[part] < after[part] for part in before)
    assert after["training"].isdisjoint(after["test"])


def test_a_split_is_for_ever() -> None:
    """The numbers are those of the first release that drew them, and of the definition in whole numbers of Python."""
    columns = [Column("age", "number"), Column("city", "text", ("Bonn", "Ulm")), Column("kind", "number", ("0", "7"))]
    rows = torch.tensor([[1.5, 0, 1], [-0.0, 1, 0], [torch.nan, torch.nan, 0]], dtype=torch.float64)
    assert hashes(columns, rows).tolist() == PINNED
    words = [[bits(1.5), digest("Bonn"), bits(7)], [bits(0), digest("Ulm"), bits(0)], [digest(""), digest(""), bits(0)]]
    plain = [sum(mix(word + digest(c.name)) for word, c in zip(row, columns)) for row in words]
    assert [n % 2**64 for n in PINNED] == [n % 2**64 for n in plain]
    assert hashes(columns, rows.abs()).equal(hashes(columns, rows))
    raw = [columns[0], columns[1], Column("kind", "number")]  # the label itself, before its classes are known
    values = torch.tensor([[1.5, 0, 7], [0, 1, 0], [torch.nan, torch.nan, 0]], dtype=torch.float64)
    assert hashes(raw, values).equal(hashes(columns, rows))


def digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def bits(value: float) -> int:
    return int.from_bytes(struct.pack("<d", value), "little")


def mix(h: int) -> int:
    h %= 2**64
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB % 2**64
    return h ^ (h >> 31)


PINNED = [-1358774090659238930, -1141949386494537447, -4803414052240009723]


def test_parts_have_the_sizes_that_were_asked_for_under_every_seed() -> None:
    found = hashes([Column("a", "number")], torch.arange(20000, dtype=torch.float64).unsqueeze(1))
    one, other = (fractions(found, seed) < 0.2 for seed in (0, 1))
    assert one.sum().item() == pytest.approx(4000, abs=4 * 57)
    assert other.sum().item() == pytest.approx(4000, abs=4 * 57)
    assert (one & other).sum().item() == pytest.approx(800, abs=4 * 28)


CELL = st.text(max_size=8) | st.floats(width=32).map(repr) | st.sampled_from(["+1", " 2.", ".5e3\t", "1_0", *NONE])


@settings(deadline=None, max_examples=100)
@given(st.lists(CELL, max_size=4))
def test_a_cell_is_a_number_exactly_where_the_rule_says_so(cells: list[str]) -> None:
    block = Block("a.csv", 1, {"c": pa.array([cell.encode("utf-8", "surrogatepass") for cell in cells], pa.binary())})
    stripped = [cell.strip(" \t").lower() for cell in cells]
    none = [cell in NONE for cell in stripped]
    wanted = [torch.nan if gone else number(cell) for gone, cell in zip(none, cells)]
    try:
        assert numbers(block, "c").nan_to_num(-1e99).tolist() == [-1e99 if v != v else v for v in wanted]
    except ValueError as error:
        row = next((i for i, v in enumerate(wanted) if v is None), None)
        if row is None or not str(error).startswith(f"a.csv: row {row + 1}, column 'c': expected "):
            raise


@pytest.mark.parametrize(
    ("target", "said", "task", "classes"),
    [
        (["no", "yes"] * 5, None, "binary", ("no", "yes")),
        (["b", "a", "c", "a"] * 5, None, "classes", ("a", "b", "c")),
        ([10, 9, 2] * 5, None, "classes", ("2", "9", "10")),
        ([0.0, 1.0] * 5, None, "binary", ("0", "1")),
        ([0.5, 1.0] * 5, None, "regression", ()),
        ([0.5, 1.0] * 5, "binary", "binary", ("0.5", "1")),
        ([True, False] * 5, None, "binary", ("0", "1")),
        ([*range(30)], None, "regression", ()),
        ([*range(30)], "classes", "classes", tuple(map(str, range(30)))),
        ([0, 1] * 5, "regression", "regression", ()),
        (["no", "yes"] * 5, "classes", "classes", ("no", "yes")),
    ],
)
def test_the_task_is_guessed_or_said(target: list[object], said: str | None, task: str, classes: tuple[str, ...]) -> None:
    table = read_table({"x": [*range(len(target))], "y": target}, "y", task=said, test=0.0)  # type: ignore[arg-type]  # a Task
    assert (table.task, table.classes, bool(table.guessed)) == (task, classes, said is None)
    names = [str(int(v)) if v in (0, 1) else str(v) for v in target]
    y = torch.cat([y for _, y in table.pieces(1)])
    if task != "regression":
        assert [classes[int(k)] for k in y.reshape(-1).tolist()] == names
    assert (y.dtype, y.dim()) == ((torch.int64, 1) if task == "classes" else (torch.float32, 2))


def test_epochs_see_every_row_once_in_an_order_of_their_own_and_can_be_repeated() -> None:
    table = read_table(COLUMNS, "price", impute=True, test=0.0)
    generator = Generator().manual_seed(0)
    feed = table.batches(16, generator)
    first, second = ([y for _, y in feed] for _ in range(2))
    assert [len(y) for y in first] == [16] * 12 + [8]
    assert torch.cat(first).sort(0).values.equal(torch.cat(second).sort(0).values)
    assert not torch.cat(first).equal(torch.cat(second))
    again = [y for _, y in table.batches(16, Generator().manual_seed(0))]
    assert torch.cat(again).equal(torch.cat(first))
    assert generator.get_state().equal(seeded(2))


def test_a_small_table_is_read_once_and_a_large_one_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    table = read_table(COLUMNS, "price", impute=True).part("training")
    passes: list[int] = []

    def batches(columns: Sequence[str], rows: int) -> Iterator[Any]:
        passes.append(1)
        return table.rows.batches(columns, rows)

    reading = attrs.evolve(table, rows=attrs.evolve(table.rows, batches=batches))
    small = reading.batches(16, Generator().manual_seed(0))
    once = [y for _ in range(3) for _, y in small]
    assert len(passes) == 1
    held, streamed = (torch.cat([y for _, y in t.pieces(16, Generator().manual_seed(0))]) for t in (table.held(), table))
    assert held.equal(streamed)
    monkeypatch.setattr(table_module, "_HELD", table.size * 4)
    assert reading.held() is reading
    large = [y for _ in range(3) for _, y in reading.batches(16, Generator().manual_seed(0))]
    assert len(passes) == 4
    assert len(large) == len(once)


def seeded(drawn: int) -> Tensor:
    generator = Generator().manual_seed(0)
    for _ in range(drawn):
        torch.randint(2**62, (1,), generator=generator)
    return generator.get_state()


@pytest.mark.parametrize("engine", ["pure", "plan"])
def test_fit_takes_the_batches_of_a_table_as_it_takes_a_list(engine: str) -> None:
    table = read_table(COLUMNS, "price", impute=True).part("training")
    net, params = mlp((table.width, 4, 1), Generator().manual_seed(0))
    step, start = training_step(net, mse, adam(0.05)), (params, adam(0.05).init(params))
    listed = [(x.clone(), y.clone()) for x, y in table.batches(8)]
    (a, told), (b, _) = (fit(step, start, data, epochs=8, engine=engine) for data in (table.batches(8), listed))  # type: ignore[arg-type]  # an Engine
    assert all(p.equal(q) for p, q in zip(tree_leaves(a), tree_leaves(b), strict=True))
    assert told[-1].loss < told[0].loss / 2
    y_hat = table.in_units(net.fwd(a[0], listed[0][0])[0])
    assert (y_hat - table.in_units(listed[0][1])).abs().max().item() < 40


def test_standardised_batches_have_mean_0_and_deviation_1() -> None:
    table = read_table(COLUMNS, "price", impute=True).part("training")
    x, y = (torch.cat(halves) for halves in zip(*table.batches(50)))
    for column in (x[:, 0], y):
        assert column.mean().item() == pytest.approx(0, abs=1e-5)
        assert column.std(correction=0).item() == pytest.approx(1, rel=1e-5)
    assert set(x[:, 1:4].reshape(-1).tolist()) == {0.0, 1.0}


def test_numbers_far_from_zero_keep_what_tells_them_apart() -> None:
    """Times in milliseconds: float32 alone would round each to 131 seconds. A constant column is 0, however large."""
    times = [1_700_000_000_000 + i for i in range(40)]
    table = read_table({"t": times, "same": [1_700_000_000_123.0] * 40, "y": [float(i % 7) for i in range(40)]}, "y", test=0.0)
    (x, _), *_ = table.part("training").batches(40)
    assert x.dtype == torch.float32
    assert sorted(x[:, 0].tolist()) == pytest.approx([(i - 19.5) / statistics.pstdev(range(40)) for i in range(40)], rel=1e-6)
    assert x[:, 1].tolist() == [0.0] * 40
