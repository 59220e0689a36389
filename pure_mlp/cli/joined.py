"""A command that several processes run together."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from torch import distributed as dist

from pure_mlp.distributed.mesh import Mesh
from pure_mlp.distributed.world import backend


@contextmanager
def joined(mesh: Mesh | None) -> Generator[bool]:
    """Inside, the processes that torchrun started can communicate; yields whether this one prints and writes files.

    The first one does, the others are silent. Without a mesh this process is alone. Raises `ValueError` where torchrun did
    not start it, and where another process is gone.

    >>> with joined(None) as first:
    ...     first
    True
    """
    if mesh is None:
        yield True
        return
    begins = not (dist.is_available() and dist.is_initialized())
    if begins:
        if not os.environ.keys() >= {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}:
            started = f"torchrun --nproc-per-node {mesh.processes} -m pure_mlp train .. --mesh {mesh}"
            raise ValueError(f"--mesh {mesh} needs {mesh.processes} processes that know each other: {started}")
        _begin(dist, os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    try:
        if dist.get_rank() == 0:
            yield True
        else:
            with open(os.devnull, "w", encoding="utf-8") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
                yield False
    except RuntimeError as error:
        if "gloo" not in str(error):
            raise
        raise ValueError(f"another process of the mesh {mesh} has ended; torchrun names it, with its exit code, below") from error
    finally:
        if begins:
            dist.destroy_process_group()


def _begin(c10d: Any, restart: str) -> None:  # Any is the module, which does not say all that it exports
    """Meet the others. After a restart torchrun's store still holds the addresses of those that were there before."""
    store, rank, size = next(c10d.rendezvous("env://"))
    c10d.init_process_group(backend(), store=c10d.PrefixStore(f"restart {restart}", store), rank=rank, world_size=size)
