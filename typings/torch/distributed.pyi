from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, overload

from torch import Tensor

class ProcessGroup:
    def rank(self) -> int: ...
    def size(self) -> int: ...

class _Work:
    def wait(self, timeout: timedelta = ...) -> bool: ...

class _Operation: ...

class ReduceOp:
    SUM: _Operation
    MAX: _Operation

def is_available() -> bool: ...
def is_initialized() -> bool: ...
def destroy_process_group(group: ProcessGroup | None = None) -> None: ...
def get_rank(group: ProcessGroup | None = None) -> int: ...
def get_world_size(group: ProcessGroup | None = None) -> int: ...
def new_subgroups_by_enumeration(
    ranks_per_subgroup_list: Sequence[Sequence[int]],
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: None = None,
    group_desc: str | None = None,
) -> tuple[ProcessGroup, list[ProcessGroup]]: ...
@overload
def all_reduce(
    tensor: Tensor, op: _Operation = ..., group: ProcessGroup | None = None, async_op: Literal[False] = False
) -> None: ...
@overload
def all_reduce(tensor: Tensor, op: _Operation = ..., group: ProcessGroup | None = None, *, async_op: Literal[True]) -> _Work: ...
def all_gather(
    tensor_list: list[Tensor], tensor: Tensor, group: ProcessGroup | None = None, async_op: Literal[False] = False
) -> None: ...
def reduce_scatter(
    output: Tensor,
    input_list: list[Tensor],
    op: _Operation = ...,
    group: ProcessGroup | None = None,
    async_op: Literal[False] = False,
) -> None: ...
