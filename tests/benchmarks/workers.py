"""The processes of a task, seen from outside: started with their limits, asked one at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from .autograd import eager
from .runtimes import RUNTIMES
from .task import Task
from .tensors import draw, load, read, save

POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS")

ROUNDING = torch.finfo(torch.float32).eps


class Unavailable(Exception):
    """What a worker could not do, in its words."""


class Worker:
    """A runtime at work on a task."""

    def __init__(self, runtime: str, task: Task) -> None:
        env = os.environ | dict.fromkeys(POOLS, str(task.threads)) | {"JAX_PLATFORMS": "cpu"}
        env["TORCHINDUCTOR_CACHE_DIR"] = task.file("inductor")  # an empty one, so that compiling takes its time
        command = [sys.executable, "-m", f"{__package__}.worker", runtime, json.dumps(task._asdict())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.runtime, self._task = runtime, task
        self.idle = 0.0
        """CPU seconds that it used while nothing was asked of it."""

    def start(self, name: str, rtol: float = 1e-2) -> dict[str, Any]:
        """Start a peer and compare its parameters and its last loss with eager autograd's after as many steps.

        Each weight's and bias's error, as a Euclidean norm, is at most `rtol` of its change since the start, besides rounding.
        Raises `Unavailable`, and `AssertionError` for other values.
        """
        reply = self.ask("start", name)
        if reply["trains"]:
            steps, shapes = max(3, reply["steps"]), self._task.shapes()
            before, mine, theirs = (read(self._task.file(file), shapes) for file in ("start", name, f"after {steps}"))
            for i, (p, a, b) in enumerate(zip(before, mine, theirs)):
                error, change = (a - b).norm().item(), (b - p).norm().item()
                if not error <= rtol * change + ROUNDING * steps * b.norm().item():
                    raise AssertionError(f"other parameters than eager's: number {i} by {error:.2g}, its change is {change:.2g}")
            loss = read(self._task.file(f"loss {steps}"), [()])[0].item()
            if not abs(reply["loss"] - loss) <= 1e-3 * loss:
                raise AssertionError(f"another loss than eager's: {reply['loss']:.4g}, not {loss:.4g}")
        return reply

    def ask(self, method: str, *arguments: object) -> dict[str, Any]:
        """The answer to a request. Raises `Unavailable`."""
        if self._process.stdin is None or self._process.stdout is None or self._process.poll() is not None:
            raise Unavailable("the process has ended")
        self._process.stdin.write(json.dumps((method, *arguments)) + "\n")
        self._process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "the process died"}')
        if "error" in reply:
            raise Unavailable(reply["error"])
        self.idle += reply["idle"]
        return reply

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextmanager
def workers(task: Task, names: Sequence[str]) -> Iterator[dict[str, Worker]]:
    """The data of the task in a folder for this long, and for each peer the worker that runs it."""
    with ExitStack() as stack:
        task = task._replace(folder=stack.enter_context(tempfile.TemporaryDirectory()))
        save(task.file("start"), draw(task))
        expect(task)
        found: dict[str, Worker] = {}
        for runtime, mine in RUNTIMES.items():
            if chosen := [name for name in mine if name in names]:
                worker = Worker(runtime, task)
                stack.callback(worker.close)
                found |= dict.fromkeys(chosen, worker)
        yield {name: found[name] for name in names}


def expect(task: Task) -> None:
    """Write eager autograd's parameters and its loss after 3 and after k steps."""
    start = load(task)
    peer = eager(start)
    for steps, batch in enumerate(start.many(), 1):
        loss = torch.as_tensor(peer.step(batch))
        if peer.params and steps in (3, task.k):
            save(task.file(f"after {steps}"), [*peer.params()])
            save(task.file(f"loss {steps}"), [loss])
