"""`python -m tests.benchmarks.feeding`: an epoch over a file: reading alone, steps alone, and both, which overlap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from torch import Generator, Tensor

from pure_mlp import Table, adam, fit, mlp, mse, read_table, training_step
from pure_mlp.table.arrow import arrow

BATCH = 256
WIDTHS = ((16,), (256,), (512, 512))


def write(path: Path, rows: int) -> None:
    """Twenty columns of numbers, and one that depends on them."""
    x = torch.randn(rows, 20, generator=Generator().manual_seed(0))
    columns: dict[str, Any] = {f"x{i}": column.tolist() for i, column in enumerate(x.t())}
    table = arrow().table({**columns, "y": x.square().sum(1).tolist()})
    if path.suffix == ".csv":
        arrow("csv").write_csv(table, path)
    else:
        arrow("parquet").write_table(table, path)


def epochs(table: Table, hidden: tuple[int, ...]) -> dict[str, Callable[[], object]]:
    """What is timed."""
    net, params = mlp((table.width, *hidden, 1), Generator().manual_seed(0))
    step, start = training_step(net, mse, adam(1e-3)), (params, adam(1e-3).init(params))
    feed = table.batches(BATCH, Generator().manual_seed(0))
    inside: list[tuple[Tensor, Tensor]] = [*feed]
    return {
        "reading": lambda: sum(len(x) for x, _ in feed),
        "steps": lambda: fit(step, start, inside, epochs=1),
        "both": lambda: fit(step, start, feed, epochs=1),
    }


def main(rows: int = 200_000, rounds: int = 5) -> None:
    """Print the median seconds of each, and which of the two sets the pace: the other one is hidden where both take no longer."""
    torch.set_num_threads(1)
    print(f"{rows} rows of 21 numbers, batch {BATCH}, adam, 1 thread and one that reads; medians of {rounds} rounds")
    with TemporaryDirectory() as folder:
        for ending in ("csv", "parquet"):
            path = Path(folder, f"table.{ending}")
            write(path, rows)
            part = read_table(path, "y", test=0.0).part("training")
            for hidden in WIDTHS:
                timed = epochs(part, hidden)
                times: dict[str, list[float]] = {name: [] for name in timed}
                for _ in range(rounds):
                    for name, run in timed.items():
                        begin = perf_counter()
                        run()
                        times[name].append(perf_counter() - begin)
                reading, steps, both = (median(times[name]) for name in timed)
                pace = "the loader sets" if reading > steps else "the products set"
                net = "-".join(map(str, (20, *hidden, 1)))
                said = f"{reading:.2f} s reading, {steps:.2f} s steps, {both:.2f} s both"
                print(f"{ending} {net}: {said}: {both / max(reading, steps):.2f} of the longer; {pace} the pace", flush=True)


if __name__ == "__main__":
    main()
