"""This process among the others."""

from __future__ import annotations

import pickle
from typing import TypeVar

import attrs
import torch
from torch import distributed as dist

from pure_mlp.distributed.mesh import Mesh
from pure_mlp.record import tree_items
from pure_mlp.saving.packing import fingerprint
from pure_mlp.signatures import Batch

__all__ = ["World", "backend", "everyones", "join", "share"]

T = TypeVar("T")


@attrs.frozen(eq=False)
class World:
    """Where a process stands in a mesh.

    device: the kind that the params are on. rows: the group of the processes that take other rows and hold the same units. units:
    that of those that take the same rows and hold other units; where there are none, that of rows stands for it.
    """

    mesh: Mesh
    device: str
    rows: dist.ProcessGroup
    units: dist.ProcessGroup

    def own(self, batch: Batch) -> Batch:
        """The rows of a batch that are this process's, none or one more or less than those of any other."""
        x, y = batch
        if len(x) != len(y):
            raise ValueError(f"a batch of {len(x)} inputs and {len(y)} labels, expected as many of both")
        rows = share(len(x), self.rows.rank(), self.mesh.dp)
        return x[rows], y[rows]

    def agree(self, tree: object) -> None:
        """Raise `ValueError` on every process unless the tree is the same on all of them."""
        digest = int(fingerprint(dict(tree_items(tree)))[:15], 16)
        ends = torch.tensor([digest, -digest], device=self.device)
        dist.all_reduce(ends, dist.ReduceOp.MAX)
        if ends.sum().item():
            raise ValueError(
                f"mesh {self.mesh}: the processes begin with different params, state or order of the examples: "
                "draw them from generators with the same seed on every process"
            )


def backend() -> str:
    """What the processes should talk by: nccl for tensors on GPUs, where torch has both, and gloo for all others.

    >>> torch.cuda.is_available() or backend()
    'gloo'
    """
    return "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"


def share(n: int, place: int, of: int) -> slice:
    """Which of n rows are those of one of so many: as many as of any other, or one more or less.

    >>> share(5, 0, 2), share(5, 1, 2)
    (slice(0, 2, None), slice(2, 5, None))
    """
    return slice(n * place // of, n * (place + 1) // of)


def everyones(own: list[T]) -> list[T]:
    """The items of all processes, those of the first one first: the same list in all of them.

    They go as bytes in tensors on the CPU: `torch.distributed.all_gather_object` needs numpy.

    >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    >>> everyones(["a"])
    ['a']
    >>> dist.destroy_process_group()
    """
    packed = pickle.dumps(own)
    sizes = [torch.zeros((), dtype=torch.int64) for _ in range(dist.get_world_size())]
    dist.all_gather(sizes, torch.tensor(len(packed)))
    counts = [int(size) for size in sizes]
    parts = [torch.empty(max(counts), dtype=torch.uint8) for _ in counts]
    dist.all_gather(parts, torch.frombuffer(bytearray(packed.ljust(max(counts))), dtype=torch.uint8))
    found: list[list[T]] = [pickle.loads(bytes(part[:count].tolist())) for part, count in zip(parts, counts)]
    return [item for items in found for item in items]


def join(mesh: Mesh, device: str = "cpu") -> World:
    """The place of this process in the mesh; every process of the job must call it. `device` is the kind that the params are on.

    Raises `ValueError` where there are no processes, or not as many.

    >>> join(Mesh(dp=2))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: mesh dp=2 needs 2 processes that know each other: start the script by `torchrun --nproc-per-node 2 ..`...
    """
    if not dist.is_available():
        raise ValueError(f"mesh {mesh}: this torch was built without torch.distributed")
    if not dist.is_initialized():
        raise ValueError(
            f"mesh {mesh} needs {mesh.processes} processes that know each other: start the script by `torchrun --nproc-per-node "
            f'{mesh.processes} ..`, and begin it with torch.distributed.init_process_group("gloo")'
        )
    if dist.get_world_size() != mesh.processes:
        raise ValueError(f"mesh {mesh} needs {mesh.processes} processes, there are {dist.get_world_size()}")
    units = [[*range(first, first + mesh.tp)] for first in range(0, mesh.processes, mesh.tp)]
    rows, _ = dist.new_subgroups_by_enumeration([*zip(*units)])
    return World(mesh, device, rows, rows if mesh.tp == 1 else dist.new_subgroups_by_enumeration(units)[0])
