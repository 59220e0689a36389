"""How training scales with processes: two of them measured, more of them computed.

`torchrun --standalone --nproc-per-node 2 -m tests.benchmarks.scaling` measures; in one process alone only the table is computed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from time import perf_counter, process_time

import torch
from torch import Generator
from torch import distributed as dist

from pure_mlp import Batch, Engine, Mesh, fit, mlp, mse, sgd, training_step

ROWS, ROUNDS, STEPS = 2048, 5, 6
SHAPES = {"narrow": (256, 256, 256, 10), "wide": (1024, 1024, 1024, 10)}
FLOPS = 495e12
"""An H100 SXM in TF32 without sparsity, at its peak (NVIDIA's data sheet)."""
LINKS = {
    8: ("NVLink 4, 450 GB/s each way", 450e9),
    64: ("8 InfiniBand NDR a node, 400 GB/s", 400e9),
    1024: ("8 InfiniBand NDR a node, 400 GB/s", 400e9),
}
WIDTH, LAYERS = 8192, 4
SHARE = 4096
"""Rows of a worker."""


def measured() -> None:
    """How many times as fast as one process for all rows are all processes with their share; medians of rounds.

    By the clock, and by the processor time of the slowest process, which others on the machine disturb less, and which is without
    the time that processes wait for each other.
    """
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    first, size = dist.get_rank() == 0, dist.get_world_size()
    meshes: dict[str, tuple[Mesh, Engine | None]] = {
        "dp": (Mesh(dp=size), None),
        "dp, pure": (Mesh(dp=size), "pure"),
        "dp, sharded": (Mesh(dp=size, sharded=True), None),
        "tp": (Mesh(tp=size), None),
    }
    for shape, sizes in SHAPES.items():
        for name, (mesh, engine) in meshes.items():
            ratios = []
            for _ in range(ROUNDS):
                dist.barrier()
                alone = _seconds(sizes, None, engine) if first else torch.zeros(2, dtype=torch.float64)
                dist.barrier()
                together = _seconds(sizes, mesh, engine)
                dist.all_reduce(together, dist.ReduceOp.MAX)
                ratios.append(alone / together)
            by_clock, by_processor = torch.stack(ratios).median(0).values.tolist()
            if first:
                print(f"{shape:8} {name:12} {by_clock:.2f} by the clock, {by_processor:.2f} by processor time", flush=True)
    dist.destroy_process_group()


def _seconds(sizes: tuple[int, ...], mesh: Mesh | None, engine: Engine | None) -> torch.Tensor:
    """Of a step, by the clock and of the processor: the least but for the first four, in which programs are made and compared."""
    g, optimizer = Generator().manual_seed(0), sgd(0.01)
    net, params = mlp(sizes, g)
    x, y = torch.randn(ROWS, sizes[0], generator=g), torch.randn(ROWS, sizes[-1], generator=g)
    times: list[tuple[float, float]] = []

    def timed(pieces: Iterable[Batch]) -> Iterator[Batch]:
        for piece in pieces:
            times.append((perf_counter(), process_time()))
            yield piece

    step, start = training_step(net, mse, optimizer), (params, optimizer.init(params))
    fit(step, start, [(x, y)] * (5 + STEPS), epochs=1, mesh=mesh, engine=engine, observe=timed)
    return torch.tensor(times[4:], dtype=torch.float64).diff(dim=0).amin(0)


def computed() -> None:
    """Rows of a table: what a worker sends, and how much of a step it computes; from counts and data sheets, without latencies.

    What is sent is the gradients of a layer, in float32, by a ring: one layer after the other, at the end or as soon as it is made.
    """
    forward, numbers = 2 * LAYERS * WIDTH * WIDTH * SHARE / FLOPS, WIDTH * WIDTH + WIDTH
    backward = [2 * forward / LAYERS] * (LAYERS - 1) + [forward / LAYERS]  # the first layer computes no dx
    computing = forward + sum(backward)
    print("| workers | link | GB sent | ms computing | ms sending | at the end | as they are made |")
    for workers, (link, bandwidth) in LINKS.items():
        layer = 2 * (workers - 1) / workers * 4 * numbers
        made = sent = forward
        for seconds in backward:
            made += seconds
            sent = max(made, sent) + layer / bandwidth
        sending = LAYERS * layer / bandwidth
        shares = [f"{100 * computing / total:.0f} %" for total in (computing + sending, sent)]
        gigabytes, times = f"{LAYERS * layer / 1e9:.2f}", f"{1e3 * computing:.1f} | {1e3 * sending:.1f}"
        print(f"| {workers:,} | {link} | {gigabytes} | {times} | {' | '.join(shares)} |")


if __name__ == "__main__":
    if "WORLD_SIZE" in os.environ:
        measured()
    else:
        computed()
