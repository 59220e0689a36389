"""Processes as torchrun starts them, but forked: torch is imported once for all of them."""

from __future__ import annotations

import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable
from time import monotonic

LIMIT = 200.0
"""Seconds after which processes that wait for each other are ended."""


def started(processes: int, work: Callable[[int], None]) -> list[str]:
    """What `work(rank)` raised in each of so many processes, as text; "" where it came to its end."""
    fork = multiprocessing.get_context("fork")
    said = [fork.Pipe(duplex=False) for _ in range(processes)]
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes), "GLOO_SOCKET_IFNAME": "lo"}
    running = [fork.Process(target=_one, args=(place | {"RANK": str(rank)}, work, said[rank][1])) for rank in range(processes)]
    for process in running:
        process.start()
    end = monotonic() + LIMIT
    for process in running:
        process.join(max(end - monotonic(), 0.0))
        process.kill()
        process.join()
    return [told.recv() if told.poll() else f"took longer than {LIMIT} s" for told, _ in said]


def _one(place: dict[str, str], work: Callable[[int], None], said: multiprocessing.connection.Connection) -> None:
    os.environ.update(place)
    try:
        work(int(place["RANK"]))
    except BaseException:
        said.send(traceback.format_exc())
        os._exit(1)  # whatever threads of gloo still wait
    said.send("")
