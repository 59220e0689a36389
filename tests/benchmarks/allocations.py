"""What a call allocates, by torch's profiler."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch.profiler import ProfilerActivity, profile


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing reaches stderr, not from C++ either: the profiler announces itself there."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def allocations(call: Callable[[], object]) -> tuple[int, int]:
    """Peak and sum of what a call allocates, in bytes; one call goes before.

    What was there when it began does not count, even if the call frees it: autograd's gradients and the pure step's parameters of
    the step before.
    """
    call()
    with quiet(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as prof:
        call()
    now = peak = total = 0
    for event in prof.profiler.kineto_results.events():
        change = event.nbytes() if event.name() == "[memory]" else 0
        now, total = now + change, total + max(change, 0)
        peak = max(peak, now)
    return peak, total
