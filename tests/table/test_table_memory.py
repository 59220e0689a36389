"""A table much larger than the memory that it is given trains: what waits anywhere on the way is bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
from torch import Generator

from pure_mlp import fit, mlp, mse, read_table, sgd, training_step
from pure_mlp.table import csv_file, source, table

pytest.importorskip("pyarrow", reason="needs the extra data")

ROWS, HELD = 20_000, 500


def test_few_rows_are_in_memory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "_BLOCK", 2**13)
    monkeypatch.setattr(source, "NUMBERS", 3 * 300)
    monkeypatch.setattr(table, "_HELD", 3 * HELD)
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "".join(f"{i},{i * 37 % 1009},{i % 100}.5\n" for i in range(ROWS)))
    read = read_table(path, "c", test=0.0)
    given = taken = rows = 0

    def watched(columns: Sequence[str], most: int) -> Iterator[Any]:
        nonlocal given, rows
        for batch in read.rows.batches(columns, most):
            given += batch.num_rows
            rows = max(rows, given - taken)
            yield batch

    part = attrs.evolve(read, rows=attrs.evolve(read.rows, batches=watched)).part("training")
    net, params = mlp((2, 1), Generator().manual_seed(0))
    step = training_step(net, mse, sgd(0.01))

    def counted(carry: Any, batch: tuple[torch.Tensor, torch.Tensor]) -> Any:
        nonlocal taken
        taken += len(batch[0])
        return step(carry, batch)

    fit(counted, (params, sgd(0.01).init(params)), part.batches(50, Generator()), epochs=1, engine="pure")
    assert given == taken == ROWS
    assert rows < 12 * HELD < ROWS / 3
