"""`python -m tests.benchmarks.worker RUNTIME TASK`: a runtime in a process of its own, which answers requests, a line of JSON each.

`start NAME` builds a peer and takes its first steps, `time NAME CALLS` takes its time, `memory NAME` its allocations.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from itertools import cycle, islice
from time import perf_counter, process_time, sleep
from typing import Any

from .task import Peer, Task

PAUSE = 0.03
"""Seconds until the threads of a pool that has no more work stop spinning: OpenBLAS's do so for 2^26 cycles."""


class Session:
    """The peers of a runtime that were started."""

    def __init__(self, runtime: str, task: Task) -> None:
        self.module = importlib.import_module(f".{runtime}", __package__)
        self.data = self.module.load(task)
        self.task = task
        self.peers: dict[str, Peer] = {}

    def start(self, name: str) -> dict[str, Any]:
        """Build the peer, take three steps or those of a call, write its parameters; seconds are until the first call returned."""
        begin = perf_counter()
        peer = self.peers[name] = self.module.PEERS[name](self.data)
        loss: Any = peer.step(peer.batches[0])
        seconds = perf_counter() - begin
        if peer.steps == 1:
            run(peer, 1, skip=1)
            loss = peer.step(peer.batches[2])
        reply = {"seconds": seconds, "steps": peer.steps, "trains": peer.params is not None}
        if peer.params:
            self.module.save(self.task.file(name), peer.params())
            loss = loss if peer.steps == 1 else loss[-1]
            reply["loss"] = loss if isinstance(loss, float) else loss.item()
        return reply

    def time(self, name: str, calls: int) -> dict[str, Any]:
        """Seconds a call, without garbage collection, after a twentieth as many that are not timed."""
        peer = self.peers[name]
        run(peer, calls // 20)
        gc.collect()
        gc.disable()
        begin = perf_counter()
        run(peer, calls)
        end = perf_counter()
        gc.enable()
        sleep(PAUSE)
        return {"seconds": (end - begin) / calls}

    def memory(self, name: str) -> dict[str, Any]:
        """Peak and sum of the allocations of a call, in bytes; only torch can say."""
        from .allocations import allocations

        peer = self.peers[name]
        peak, total = allocations(lambda: peer.step(peer.batches[0]))
        return {"peak": peak, "total": total}


def run(peer: Peer, calls: int, skip: int = 0) -> None:
    """Call the peer on its batches in turn."""
    step = peer.step
    for batch in islice(cycle(peer.batches), skip, skip + calls):
        step(batch)


def main() -> None:
    """Answer until there are no more requests; what anybody prints goes to stderr."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    runtime, given = sys.argv[1:]
    task = Task(**json.loads(given))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task.threads])
    session: Session | None = None
    busy = process_time()
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        idle = process_time() - busy
        try:
            session = session or Session(runtime, task)
            reply = getattr(session, method)(*arguments)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(reply | {"idle": idle}), file=replies, flush=True)
        busy = process_time()


if __name__ == "__main__":
    main()
